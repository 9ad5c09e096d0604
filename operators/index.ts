export { checkFrame } from './frame.js';
export type { Frame, PixelFormat } from './frame.js';
export { iou } from './detections.js';
export type { Box, Detection, Detections } from './detections.js';
