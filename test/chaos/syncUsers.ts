/** The sync's users in both sandboxes. */
export const SYNC_USERS = ['admin@sandbox.example', 'sync@pms.example'];
