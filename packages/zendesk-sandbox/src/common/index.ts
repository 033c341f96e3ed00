export * from './arguments';
export * from './callLog';
export * from './deliveryFaults';
export * from './deliveryQueue';
export * from './faults';
export * from './loopback';
export { oneLine } from './oneLine';
