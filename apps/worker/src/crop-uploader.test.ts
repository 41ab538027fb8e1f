import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FilesystemStore, type ObjectStore } from '@facet/storage';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CropUploader } from './crop-uploader.ts';

const logger = { debug() {}, info() {}, warn() {}, error() {} };
const JPEGS = Array.from({ length: 6 }, (_, index) => Buffer.from(`crop ${index}`));

let directory: string;
let store: FilesystemStore;

beforeEach(async () => {
	directory = await mkdtemp(join(tmpdir(), 'facet-crops-'));
	store = await FilesystemStore.open({
		directory,
		publicBaseUrl: 'http://127.0.0.1',
		signingKey: 'k'.repeat(32),
		linkTtlSeconds: 60,
	});
});

afterEach(async () => {
	await store.close();
	await rm(directory, { recursive: true });
});

async function storedCrops(): Promise<string[]> {
	const names = await readdir(directory, { recursive: true });
	return names.filter((name) => name.endsWith('.jpg'));
}

/** The store, each of whose puts waits until it is let through, and what it did in which order. */
function slowly() {
	let started = 0;
	const done: string[] = [];
	let open = () => {};
	const opened = new Promise<void>((resolve) => {
		open = resolve;
	});
	const slow = new Proxy<ObjectStore>(store, {
		get(target, name) {
			if (name === 'put') {
				return async (...put: Parameters<ObjectStore['put']>) => {
					started += 1;
					await opened;
					await target.put(...put);
					done.push('stored');
				};
			}
			if (name === 'deletePrefix') done.push('dropped');
			const value: unknown = Reflect.get(target, name, target);
			return typeof value === 'function' ? value.bind(target) : value;
		},
	});
	return { slow, done, started: () => started, open };
}

it('stores crops under keys that follow from job, frame and face', async () => {
	const uploader = new CropUploader({ store, onLost: () => {}, logger });
	const keys = await uploader.upload('job', 3, JPEGS, new AbortController().signal);
	expect(keys).toEqual(JPEGS.map((_, index) => `faces/job/3-${index}.jpg`));
	expect((await storedCrops()).sort()).toEqual(keys);
	await uploader.discard('job');
	expect(await storedCrops()).toEqual([]);
});

it('leaves nothing of a job that is discarded while its crops are being stored', async () => {
	const { slow, done, started, open } = slowly();
	const uploader = new CropUploader({ store: slow, onLost: () => {}, logger });
	const stop = new AbortController();
	const uploading = uploader.upload('job', 0, JPEGS, stop.signal);
	await expect.poll(started).toBe(4);
	stop.abort(new Error('canceled'));
	await expect(uploading).rejects.toThrow('canceled');
	const discarded = uploader.discard('job');
	open();
	await discarded;
	// What had not begun does not begin any more.
	expect(started()).toBe(4);
	expect(done).toEqual(['stored', 'stored', 'stored', 'stored', 'dropped']);
	expect(await storedCrops()).toEqual([]);
});
