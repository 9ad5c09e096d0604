/** A model that can be fetched by name. */
export interface RegistryEntry {
  readonly url: string;
  readonly bytes: number;
  /** Hex digits. */
  readonly sha256: string;
  /** Licence of the weights. */
  readonly license: string;
}

/** Models that `detectYolo` knows by name: files of official releases, each with its exact size and hash. */
export const registry: Readonly<Record<string, RegistryEntry>> = {
  'yolox-nano': {
    url: 'https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/yolox_nano.onnx',
    bytes: 3_659_407,
    sha256: 'c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d',
    license: 'Apache-2.0',
  },
};
