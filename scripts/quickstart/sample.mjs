import { readFile } from 'node:fs/promises';
import { Failure } from '../failure.mjs';
import { inRoot } from '../root.mjs';
import { step } from '../terminal/steps.mjs';

const PHOTOS = inRoot('node_modules', '@vladmandic', 'face-api', 'demo');

/**
 * Sends a real photo through the API, as a client would.
 *
 * @param {string} url Of the API.
 * @returns {Promise<unknown>} The answer's JSON.
 */
export async function detectSample(url) {
	const photo = await readFile(`${PHOTOS}/sample1.jpg`);
	return step('Detect faces', async () => {
		const response = await fetch(`${url}/detect_faces`, {
			method: 'POST',
			headers: { 'content-type': 'application/json', ...keyHeader() },
			body: JSON.stringify({ img: photo.toString('base64'), return_face_url: true }),
		});
		const text = await response.text();
		if (!response.ok) throw new Failure(`POST /detect_faces answered ${response.status}`, { output: text });
		const value = JSON.parse(text);
		const faces = value.faces_obj?.['0']?.region?.length ?? 0;
		return {
			value,
			summary: `${faces} faces in sample1.jpg, a photo of the npm package @vladmandic/face-api`,
		};
	});
}

/**
 * A command line to paste: base64 without line ends on Linux and macOS, and by a pipe, because a photo is longer
 * than an argument may be.
 *
 * @param {string} url
 */
export function curlLine(url) {
	const key = firstKey() ? ` -H "x-api-key: \${API_KEYS%%,*}"` : '';
	const photo = `'${PHOTOS.replaceAll("'", `'\\''`)}/sample2.jpg'`;
	return [
		`printf '{"img":"%s"}' "$(base64 < ${photo} | tr -d '\\n')" |`,
		`curl -s ${url}/detect_faces -H 'content-type: application/json'${key} -d @-`,
	].join(' ');
}

/** @returns {Record<string, string>} */
function keyHeader() {
	const key = firstKey();
	return key ? { 'x-api-key': key } : {};
}

function firstKey() {
	return process.env.API_KEYS?.split(',')
		.map((key) => key.trim())
		.find(Boolean);
}
