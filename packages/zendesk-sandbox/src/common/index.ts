export * from './callLog';
export * from './deliveryFaults';
export * from './faults';
export * from './loopback';
