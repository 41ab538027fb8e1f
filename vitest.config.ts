import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'test/**/*.test.ts'],
		exclude: ['**/node_modules/**', '**/dist/**'],
		globalSetup: ['test/support/shared-redis.ts'],
		// End-to-end tests start processes and run networks; the time is for a busy machine, not for a slow test.
		testTimeout: 60_000,
		hookTimeout: 120_000,
		// Each file of end-to-end tests has an API and workers of its own: more files at once than cores only wait.
		maxWorkers: 2,
	},
});
