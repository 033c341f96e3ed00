/** The test side of zendesk-pms-sync: API clients of both systems, simulated people who edit, and faults. */
export { exchange, send, type Body, type Exchanged } from './http';
export {
  ApiError,
  JsonApi,
  inParallel,
  listPms,
  listZendesk,
  pmsApi,
  sleep,
  zendeskApi,
  type Access,
} from './jsonApi';
export { readComments, type CommentWithAudit } from './comments';
export {
  RedmineClient,
  RedmineError,
  type CustomValue,
  type Issue,
  type IssueJournal,
  type RedmineProject,
  type RedmineUser,
} from './redmineClient';
export { SandboxControls, controlsOf } from './sandboxControls';
export { WEATHERS, WEATHER_NAMES, type Weather } from './weather';
export { SIDES, refOf, type Kind, type Side, type Thing } from './people/insidePeople';
export { type EditEntry, type Property } from './people/journal';
export {
  CUSTOM_FIELDS,
  CUSTOM_FIELD_NAMES,
  activeField,
  customValue,
  type CustomField,
} from './people/customFields';
export { type Administrators } from './people/administrators';
export { RandomPeople, comparable, editable } from './people/randomPeople';
export { type PostedComment } from './people/talk';
export { changes, type Change } from './people/changes';
export { type Edit } from './people/edits';
export { quickEdits, scriptEdits } from './people/scriptedEdits';
