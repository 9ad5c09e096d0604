/** The longest time that a timer of Node takes, in milliseconds: one of more, or of Infinity, fires at once. */
export const longestTimerMs = 2 ** 31 - 1;
