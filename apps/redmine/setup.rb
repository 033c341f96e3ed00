# Sets up Redmine for profiles/redmine.yaml, once, by `rails runner`. docs/redmine.md describes the same steps on the
# web pages. The last line of the output is the API key.

# SQLite reuses the id of a deleted record unless its table has AUTOINCREMENT, which Redmine's migrations lose. Other
# databases never reuse ids, so AUTOINCREMENT is added here.
connection = ActiveRecord::Base.connection
connection.execute('PRAGMA writable_schema = ON')
connection.execute(
  "UPDATE sqlite_master SET sql = replace(sql, '\"id\" integer NOT NULL PRIMARY KEY,', " \
  "'\"id\" integer NOT NULL PRIMARY KEY AUTOINCREMENT,') WHERE type = 'table'"
)
connection.execute('PRAGMA writable_schema = RESET')
damage = connection.select_value('PRAGMA integrity_check')
raise "the database is damaged: #{damage}" unless damage == 'ok'

Setting.rest_api_enabled = '1'
# Without a required login, a wrong key can read public projects anonymously.
Setting.login_required = '1'
Setting.notified_events = []
Setting.default_issue_start_date_to_creation_date = '0'
Setting.default_projects_public = '0'

admin = User.find_by_login('admin')
admin.must_change_passwd = false
admin.save!

# Zendesk has a status and a type that Redmine lacks.
IssueStatus.create!(name: 'On Hold')
Tracker.create!(name: 'Problem', default_status: IssueStatus.find_by_name('New'))
Setting.default_projects_tracker_ids = Tracker.pluck(:id).map(&:to_s)

# Redmine drops a status that the workflow does not allow without an error, also on a new issue (from status 0).
WorkflowTransition.delete_all
statuses = IssueStatus.pluck(:id)
Tracker.pluck(:id).product(Role.givable.pluck(:id), [0, *statuses], statuses).each do |tracker, role, from, to|
  next if from == to
  WorkflowTransition.create!(tracker_id: tracker, role_id: role, old_status_id: from, new_status_id: to)
end

# The first project, so its id is 1. The profile puts issues there if their ticket has no organization.
Project.create!(name: 'Inbox', identifier: 'inbox', is_public: false)

# The profile names these by their ids, which count from 1 in this order.
issue_fields = [
  ['Zendesk', 'string'],
  ['Requester', 'string'],
  ['Agent', 'string'],
  ['Tags', 'text'],
  ['Zendesk link', 'link'],
]
issue_fields.each do |name, format|
  IssueCustomField.create!(
    name: name, field_format: format, is_for_all: true, is_filter: true, trackers: Tracker.all
  )
end
[['Zendesk', 'string'], ['Domains', 'text'], ['Tags', 'text'], ['Notes', 'text']].each do |name, format|
  ProjectCustomField.create!(name: name, field_format: format, is_filter: true)
end

puts admin.api_key
