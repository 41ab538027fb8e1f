export { createLogger, loggableUrl, type PinoLogger } from './logger.ts';
export { type ApiMetrics, createApiMetrics, createWorkerMetrics, type WorkerMetrics } from './metrics.ts';
export { createOperations, createOperationsServer, type ReadinessChecks } from './operations.ts';
export { exitOnUnhandledErrors, stopOnSignals } from './process-lifecycle.ts';
