export { AddressGuard } from './address-guard.ts';
export { confineProcesses, limitingCommand } from './confined-process.ts';
export { type DownloadOptions, download } from './download.ts';
export { toReadablePhoto } from './photo.ts';
export { type ReceivedFile, receiveFile } from './receive-file.ts';
export { type ImageFormat, type MediaType, sniffMedia, type VideoFormat, type VideoType } from './sniff.ts';
export { createSourceClient } from './source-client.ts';
export {
	type FrameRef,
	openVideo,
	type ReadOptions,
	type Video,
	type VideoFacts,
} from './video/open-video.ts';
export type { VideoLimits } from './video/probe-video.ts';
export { ProcessLimit } from './video/process-limit.ts';
