export { type Config, ConfigError, parseConfig } from './config.ts';
export { inferenceEnvironment, loadConfig } from './environment.ts';
export { publicBaseUrl } from './public-base-url.ts';
export { configurationMarkdown, environmentExample } from './reference.ts';
