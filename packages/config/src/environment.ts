import { existsSync } from 'node:fs';
import { type Config, parseConfig } from './config.ts';

/**
 * The configuration of this process: `process.env`, and beneath it the `.env` file of the working directory.
 *
 * @throws ConfigError naming every variable at fault.
 */
export function loadConfig(): Config {
	// Official builds of ONNX Runtime may report usage unless they are told not to; the library asks the environment.
	process.env.ORT_DISABLE_TELEMETRY ??= '1';
	if (existsSync('.env')) process.loadEnvFile('.env');
	return parseConfig(process.env);
}

/** Where libraries are, which allocator is used and how, and what the runtimes of networks ask for. */
const NATIVE_LIBRARIES =
	/^(?:PATH|LD_LIBRARY_PATH|LD_PRELOAD|DYLD_LIBRARY_PATH|UV_THREADPOOL_SIZE|MALLOC_.*|(?:ORT|CUDA|NVIDIA|OPENVINO|VIPS)_.*)$/;

/** A size that no picture has. libvips puts what is larger, and cannot be read row by row, into a temporary file. */
const NEVER_ON_DISC = '1000000g';

/**
 * Of the C library's malloc. Two arenas are enough: with one for each of its threads, it keeps far more than is in use. And the
 * pixels of large crops get memory of their own, which goes back to the system: by itself it raises the limit for that to 32 MB,
 * and of a heap with such holes hardly anything goes back. Those of a usual photo, 7 MB, stay in the heap: from the kernel, each
 * page of them would come anew.
 */
const MALLOC = {
	MALLOC_ARENA_MAX: '2',
	MALLOC_MMAP_THRESHOLD_: String(16 * 1024 ** 2),
	MALLOC_TRIM_THRESHOLD_: String(32 * 1024 ** 2),
};

/**
 * What a process that decodes and infers sees of this one's environment: no secret, no address.
 *
 * Pictures are decoded in memory, however large: the process may write no file.
 */
export function inferenceEnvironment(): Readonly<Record<string, string>> {
	const kept = Object.entries(process.env).flatMap(([name, value]) =>
		value !== undefined && NATIVE_LIBRARIES.test(name) ? [[name, value] as const] : [],
	);
	return { ...MALLOC, ...Object.fromEntries(kept), VIPS_DISC_THRESHOLD: NEVER_ON_DISC };
}
