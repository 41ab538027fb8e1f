/** Pictures, by libvips: apart from the rest, since only the inference process may load it. */
export { cropFrameJpegs, cropJpegs } from './crop.ts';
export { type DecodedPicture, decodeForDetection, type PictureLimits } from './picture.ts';
