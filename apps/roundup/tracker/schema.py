# The classes of a tracker as docs/roundup.md describes it. Roundup reads this file at every start.
# Besides these properties, each class has creation, activity, creator and actor.

user = Class(db, "user", username=String(), password=Password(), address=String(),
             alternate_addresses=String(), realname=String(), roles=String())
user.setkey("username")

tag = Class(db, "tag", name=String())
tag.setkey("name")

status = Class(db, "status", name=String(), order=Number())
status.setkey("name")

priority = Class(db, "priority", name=String(), order=Number())
priority.setkey("name")

customer = Class(db, "customer", name=String(), domains=String(), description=String(),
                 notes=String(), tags=Multilink("tag"), zendesk=String())
customer.setlabelprop("name")

project = Class(db, "project", title=String(), description=String(), status=Link("status"),
                priority=Link("priority"), customer=Link("customer"), parent=Link("project"),
                due=Date(), requester=Link("user"), assignee=Link("user"),
                watchers=Multilink("user"), tags=Multilink("tag"), zendesk=String())
project.setlabelprop("title")

note = Class(db, "note", project=Link("project"), body=String(), public=Boolean(),
             author=Link("user"), authorname=String(), zendesk=String())
note.setlabelprop("body")

for role in ("Web Access", "Rest Access"):
    db.security.addPermissionToRole("User", role)
for name in ("user", "tag", "status", "priority", "customer", "project", "note"):
    db.security.addPermissionToRole("User", "View", name)
for name in ("tag", "customer", "project", "note"):
    for what in ("Create", "Edit", "Retire"):
        db.security.addPermissionToRole("User", what, name)
# The sync creates requesters whom Roundup does not know. They have no role, and cannot log in.
db.security.addPermissionToRole("User", db.security.addPermission(
    name="Create", klass="user", properties=("username", "address", "realname")))
