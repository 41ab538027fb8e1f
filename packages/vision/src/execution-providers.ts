/** What networks run on when nothing else is asked for, and what is left when nothing else works. */
export const CPU = 'cpu';

/** Which of the execution providers that were asked for can be tried. */
export interface ProviderChoice {
	/** In order of preference; the processor is last and always there. */
	readonly providers: readonly string[];
	/** Asked for, but not built into the runtime. */
	readonly missing: readonly string[];
}

/**
 * Sorts out the execution providers that this build of the runtime does not have.
 *
 * @param wanted - in order of preference.
 * @param builtIn - as the runtime names them.
 */
export function chooseProviders(wanted: readonly string[], builtIn: readonly string[]): ProviderChoice {
	const accelerators = [...new Set(wanted)].filter((name) => name !== CPU);
	return {
		providers: [...accelerators.filter((name) => builtIn.includes(name)), CPU],
		missing: accelerators.filter((name) => !builtIn.includes(name)),
	};
}
