import { Failure } from '../failure.mjs';
import { run } from '../process/run.mjs';
import { hasDockerEngine } from './docker-engine.mjs';
import { findProgram } from './find-program.mjs';

/** What Facet needs of the system, and the packages that bring it. */
const REDIS = { programs: ['redis-server'], apt: 'redis-server', brew: 'redis' };
const FFMPEG = { programs: ['ffmpeg', 'ffprobe'], apt: 'ffmpeg', brew: 'ffmpeg' };

/**
 * Makes sure that ffmpeg is on the PATH and that a Redis can be started, and installs what is not there by the
 * system's package manager.
 *
 * @param {{ redis: boolean, progress: (detail: string) => void }} options `redis`: whether one has to be started.
 * @returns {Promise<string>} What was done, for the reader.
 */
export async function provideSystemPrograms({ redis, progress }) {
	const needed = redis ? [REDIS, FFMPEG] : [FFMPEG];
	const absent = needed.filter(isAbsent);
	if (absent.length === 0) return 'there';

	if (process.getuid?.() === 0 && findProgram('apt-get')) await installByApt(absent, progress);
	else if (findProgram('brew')) await installByBrew(absent, progress);
	else return doWithout(absent);

	const still = absent.filter(isAbsent).flatMap((one) => one.programs);
	if (still.length > 0) throw new Failure(`Installed, but not on the PATH: ${still.join(', ')}`);
	return `installed ${absent.map((one) => one.programs[0]).join(' and ')}`;
}

/** @param {typeof REDIS} one */
function isAbsent({ programs }) {
	return !programs.every(findProgram);
}

/**
 * @param {(typeof REDIS)[]} absent
 * @param {(detail: string) => void} progress
 */
async function installByApt(absent, progress) {
	// RUNLEVEL=1 keeps Debian from starting a Redis service that nobody asked for.
	const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
	const wait = ['-o', 'DPkg::Lock::Timeout=120'];
	progress('apt-get update');
	// A third-party source that is down must not stop us: the install says what is really missing.
	await run('apt-get', ['update', ...wait], { env, onLine: progress }).catch(() => {});
	const packages = absent.map((one) => one.apt);
	await run('apt-get', ['install', '-y', '--no-install-recommends', ...wait, ...packages], {
		env,
		onLine: progress,
	});
}

/**
 * @param {(typeof REDIS)[]} absent
 * @param {(detail: string) => void} progress
 */
async function installByBrew(absent, progress) {
	const env = { ...process.env, HOMEBREW_NO_AUTO_UPDATE: '1' };
	await run('brew', ['install', ...absent.map((one) => one.brew)], { env, onLine: progress });
}

/** @param {(typeof REDIS)[]} absent */
async function doWithout(absent) {
	const inDocker = absent.includes(REDIS) && (await hasDockerEngine());
	const wanted = inDocker ? absent.filter((one) => one !== REDIS) : absent;
	if (wanted.length === 0) return 'Redis runs in Docker';
	const names = wanted.flatMap((one) => one.programs).join(', ');
	const command =
		process.platform === 'darwin'
			? `brew install ${wanted.map((one) => one.brew).join(' ')}`
			: `sudo apt-get install ${wanted.map((one) => one.apt).join(' ')}`;
	const orDocker = wanted.includes(REDIS) ? '; for Redis, a running Docker would do' : '';
	throw new Failure(`Not on the PATH: ${names}. Please install, for example by "${command}"${orDocker}`);
}
