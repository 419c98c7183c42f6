/**
 * The agent's sign of life, in its node's folder: replaced each second, watched by its host. What it holds means nothing but that it changes.
 */
export const SIGN_OF_LIFE = 'alive';
