export { type Config, ConfigError, parseConfig } from './config.ts';
export { loadConfig } from './environment.ts';
export { configurationMarkdown, environmentExample } from './reference.ts';
