import { limitingCommand } from '@facet/media';

export interface InferenceLauncherOptions {
	readonly threads: number;
	/** What networks run on, by the names of ONNX Runtime. */
	readonly executionProviders: readonly string[];
	/** Options of Node that the process is started with. */
	readonly nodeOptions: readonly string[];
}

/** Node has about forty; what the runtimes of graphics cards open comes to some more. */
const OPEN_FILES = 256;
/** An event loop, and what it reads. */
const OPEN_FILES_PER_THREAD = 32;

/** Options of Node and of V8 that make a process write files: profiles, snapshots, reports, traces, logs. */
const WRITES_FILES = /prof|snapshot|report|trace-event|logfile/;

/**
 * What starts the inference process under limits of the kernel: it writes no file, and leaves no core, in which other
 * people's pictures would be. The runtimes of graphics cards may write: they keep what they compile, and shared memory.
 *
 * No limit on memory: a decoder that is given none calls its picture corrupt, and the pictures that share the process would
 * be refused for what one of them takes. None on threads: the kernel counts those of all the user's processes, and libvips
 * ends the process when it cannot start one.
 */
export function inferenceLauncher(options: InferenceLauncherOptions): readonly string[] {
	const { threads, executionProviders, nodeOptions } = options;
	const writesFiles =
		executionProviders.some((provider) => provider !== 'cpu') ||
		nodeOptions.some((option) => WRITES_FILES.test(option));
	return limitingCommand({
		openFiles: OPEN_FILES + threads * OPEN_FILES_PER_THREAD,
		fileBytes: writesFiles ? undefined : 0,
	});
}
