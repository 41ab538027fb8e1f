export { AddressGuard } from './address-guard.ts';
export { byteLimit } from './byte-limit.ts';
export { cropJpegs } from './crop.ts';
export { type DownloadOptions, download } from './download.ts';
export { toReadablePhoto } from './photo.ts';
export { type DecodedPicture, decodeForDetection, type PictureLimits } from './picture.ts';
export { type ImageFormat, type MediaType, sniffMedia } from './sniff.ts';
export { createSourceClient } from './source-client.ts';
