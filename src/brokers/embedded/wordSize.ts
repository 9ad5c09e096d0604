/** Whether lmdb maps a whole store into memory, and counts in 8 bytes. */
export const is64Bit = process.arch.endsWith('64') || process.arch === 's390x';
