/**
 * What to do when a port that every node has on its own address is taken there. No flag chooses another: the other nodes and balancers know this one.
 */

export const PORT_TAKEN = 'every node has it on its own address, so see which program that is (ss -ltnp) and stop it; it is tried again';
