/** Names of all keys of one namespace. Topic names hold no colon, so no two names meet. */
export interface Keys {
  /** All keys begin with this. */
  readonly prefix: string;
  /** Control plane: set of topic names. */
  readonly topics: string;
  /** Control plane: set of blob keys that nobody refers to any more. */
  readonly trash: string;
  /** Channel that only the main process listens on. */
  readonly main: string;
  /** Data plane: all blob keys begin with this. */
  readonly blobs: string;
  topic(name: string): string;
  bell(name: string): string;
  /** The stream of a topic's last ring. */
  rings(name: string): string;
  /** The hash of the blobs that a topic refers to. */
  references(name: string): string;
  blob(topic: string, id: string, nonce: string): string;
  /** The topic of a blob key. */
  topicOfBlob(key: string): string;
}

export function keysOf(namespace: string): Keys {
  const prefix = `${namespace}:`;
  const topic = (name: string): string => `${prefix}topic:${name}`;
  const blobs = `${prefix}blob:`;
  return {
    prefix,
    topics: `${prefix}topics`,
    trash: `${prefix}trash`,
    main: `${prefix}main`,
    blobs,
    topic,
    bell: (name) => `${topic(name)}:bell`,
    rings: (name) => `${topic(name)}:rings`,
    references: (name) => `${topic(name)}:blobs`,
    // The nonce makes it unique; the id is there for people.
    blob: (name, id, nonce) => `${blobs}${name}:${nonce}:${id.replace(/[^\w.-]/g, '_')}`,
    topicOfBlob: (key) => key.slice(blobs.length, key.indexOf(':', blobs.length)),
  };
}
