# What an administrator of Redmine does once for profiles/redmine.yaml, here by a script (`rails runner`):
# docs/redmine.md says the same for the web pages. Prints the key of the API as its last line.

# SQLite gives the number of a deleted record to the next one unless its table says AUTOINCREMENT, which Redmine's
# migrations lose on the way. The databases that Redmine is run with elsewhere never do that, so neither does this one.
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
# Without this, a wrong key reads public projects as nobody.
Setting.login_required = '1'
Setting.notified_events = []
Setting.default_issue_start_date_to_creation_date = '0'
Setting.default_projects_public = '0'

admin = User.find_by_login('admin')
admin.must_change_passwd = false
admin.save!

# Zendesk has a status and a type that Redmine lacks.
hold = IssueStatus.create!(name: 'On Hold')
problem = Tracker.new(name: 'Problem', default_status: IssueStatus.find_by_name('New'))
problem.copy_workflow_rules(Tracker.first) if problem.save!
Tracker.all.each do |tracker|
  Role.givable.each do |role|
    IssueStatus.where.not(id: hold.id).each do |status|
      [[status, hold], [hold, status]].each do |from, to|
        WorkflowTransition.create!(tracker: tracker, role: role, old_status: from, new_status: to)
      end
    end
  end
end

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
