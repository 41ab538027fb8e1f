import {
	type BoundingBox,
	boxArea,
	type Detection,
	enclosingBox,
	type RgbImage,
	type Size,
} from '@facet/contracts';
import type { FaceObservation, ObservedFrame, TrackingResult } from '@facet/vision';

/** What a thread is told when it starts. */
export interface InferenceThreadData {
	readonly modelsDir: string;
	/** Name of a detection network, or the path of one. */
	readonly model: string;
	/** What to run networks on, in order of preference. */
	readonly executionProviders: readonly string[];
}

/** Asks for the facts of the networks that a thread has loaded. */
interface DescribeTask {
	readonly kind: 'describe';
}

export interface DetectorDescription {
	readonly kind: 'describe';
	/** Name of the detection network. */
	readonly name: string;
	/** Whether it is a file by its path, whose hash nobody knows. */
	readonly isFile: boolean;
	/** Which engine runs it. */
	readonly engine: string;
	/** What the networks run on, in order of preference. */
	readonly executionProviders: readonly string[];
	/** What was asked for to run them on and cannot be had. */
	readonly warning: string | undefined;
	/** Longest side in pixels that frames should be decoded to. */
	readonly inputSide: number;
}

/** Which faces a request wants. */
interface WantedFaces {
	/** Least side in pixels of the full picture. */
	readonly minFaceSize?: number | undefined;
	/** By default the network's own. */
	readonly scoreThreshold?: number | undefined;
	/** Whether all 68 landmarks are wanted, which are most of what there is to say of a face. */
	readonly landmarks68: boolean;
}

/** A photo to decode. */
interface PhotoFile {
	/** A file that sharp can read. */
	readonly path: string;
	readonly maxPixels: number;
	readonly timeoutMs: number;
}

/** One photo to decode and search. */
export interface PhotoTask extends PhotoFile, WantedFaces {
	readonly kind: 'photo';
}

/** One photo to decode and cut up. */
export interface CropPhotoTask extends PhotoFile {
	readonly kind: 'crop-photo';
	/** Whole-pixel rectangles inside the full picture, in display space. */
	readonly regions: readonly BoundingBox[];
}

const LARGE_CROP_PIXELS = 4_000_000;

/**
 * Whether crops take a large part of a picture at full size, a dozen megabytes and more: fewer of these are cut at once, and
 * their pixels are let go at once.
 */
export function isLargeCrop({ regions }: Pick<CropPhotoTask, 'regions'>): boolean {
	return boxArea(enclosingBox(regions)) > LARGE_CROP_PIXELS;
}

/** Pieces of a decoded frame to make JPEGs of. */
interface EncodeTask {
	readonly kind: 'encode';
	readonly pieces: readonly RgbImage[];
}

interface Crops {
	readonly kind: 'crops';
	/** A JPEG for each region or piece, in their order. */
	readonly jpegs: readonly Uint8Array[];
}

/** The size is that of the full picture in display space. */
export interface PhotoDetections extends Size {
	readonly kind: 'photo';
	readonly orientation: number;
	/** In pixels of the full picture, clipped to it. */
	readonly detections: Detection[];
	readonly decodeMs: number;
	readonly detectMs: number;
}

/** One decoded frame of a video to search. */
export interface FrameTask extends WantedFaces {
	readonly kind: 'frame';
	readonly image: RgbImage;
	/** Size of the frame in the video, as a person sees it; by default the image's. */
	readonly source?: Size;
}

export interface FrameObservations {
	readonly kind: 'frame';
	/** In pixels of the image, weak faces included. */
	readonly observations: FaceObservation[];
	readonly detectMs: number;
}

/** All sampled frames of a video, to find out who is who: up to seconds of arithmetic. */
interface TrackTask {
	readonly kind: 'track';
	readonly frames: readonly ObservedFrame[];
	/** The lowest score of a face by itself; by default the network's own. */
	readonly scoreThreshold?: number | undefined;
}

export interface TrackedVideo extends Pick<TrackingResult, 'frames' | 'persons'> {
	readonly kind: 'track';
}

export type InferenceTask = DescribeTask | PhotoTask | CropPhotoTask | FrameTask | EncodeTask | TrackTask;
export type InferenceResult =
	| DetectorDescription
	| PhotoDetections
	| Crops
	| FrameObservations
	| TrackedVideo;
