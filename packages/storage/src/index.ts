export { contentTypeOf } from './content-type.ts';
export { createObjectStore, type ObjectStoreOptions } from './create-object-store.ts';
export { FilesystemStore, type FilesystemStoreOptions, type StoredFile } from './filesystem-store.ts';
export { checkObjectKey } from './object-key.ts';
export type { ObjectStore, PutOptions, UrlOptions } from './object-store.ts';
export type { S3ConnectionOptions, S3Credentials } from './s3-client.ts';
export { S3Store, type S3StoreOptions } from './s3-store.ts';
export { serveSignedFile } from './serve-signed-file.ts';
export { type LinkGrant, type LinkVerdict, type PresentedLink, signLink, verifyLink } from './signed-link.ts';
