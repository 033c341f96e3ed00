/** As whom the sync acts in both sandboxes. */
export const SYNC_USERS = ['admin@sandbox.example', 'sync@pms.example'];
