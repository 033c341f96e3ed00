# The first records of a tracker: an administrator, the sync's own user, and the values that projects can have.
db.getclass("user").create(username="admin", password=adminpw, address=admin_email, roles="Admin")
db.getclass("user").create(username="anonymous", roles="Anonymous")
db.getclass("user").create(username="sync", password=adminpw, address="sync@roundup.example",
                           realname="Sync", roles="User")

for order, name in enumerate(["new", "open", "waiting", "on hold", "solved", "closed"]):
    db.getclass("status").create(name=name, order=order)
for order, name in enumerate(["low", "normal", "high", "urgent"]):
    db.getclass("priority").create(name=name, order=order)
