/** A sentence for the person at the terminal: the clinic can't start, and why. */
export class ClinicError extends Error {}
