"""Ordinary calls of zenpy, a client library that was written for the real Zendesk, against the sandbox.

zenpyCalls.py ADDRESS TOKEN: prints one line a call, and ends with 1 at the first that goes wrong.
"""

import datetime
import os
import sys
import uuid
from urllib.parse import urlparse

from zenpy import Zenpy
from zenpy.lib.api_objects import Comment, Organization, OrganizationMembership, Ticket, User
from zenpy.lib.exception import APIException, RecordNotFoundException


def connect(address, token):
    """zenpy knows https and a domain alone, unless these are set."""
    place = urlparse(address)
    os.environ['ZENPY_FORCE_SCHEME'] = place.scheme
    os.environ['ZENPY_FORCE_NETLOC'] = place.netloc
    return Zenpy(subdomain='sandbox', oauth_token=token)


def check(name, found, expected):
    if found != expected:
        sys.exit(f'{name}: found {found!r}, expected {expected!r}')
    print(f'{name}: as expected')


def tickets(client, run):
    since = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=2)
    made = client.tickets.create(Ticket(subject=run, comment=Comment(body='It smokes'), tags=['b', 'a']))
    ticket = made.ticket
    check('tickets.create', (ticket.subject, ticket.tags), (run, ['a', 'b']))
    ticket.comment = Comment(body='On it', public=False)
    ticket.priority = 'high'
    audit = client.tickets.update(ticket).audit
    check('tickets.update', sorted(event['type'] for event in audit.events), ['Change', 'Comment'])
    check('tickets.comments', [each.public for each in client.tickets.comments(ticket=ticket.id)], [True, False])
    check('tickets.audits', len(list(client.tickets.audits(ticket=ticket.id))), 2)
    check('tickets.add_tags', sorted(client.tickets.add_tags(ticket.id, ['c'])), ['a', 'b', 'c'])
    check('tickets.delete_tags', sorted(client.tickets.delete_tags(ticket.id, ['a'])), ['b', 'c'])
    check('tickets.incremental', ticket.id in [each.id for each in client.tickets.incremental(start_time=since)], True)
    check('tickets.events', ticket.id in [each.ticket_id for each in client.tickets.events(since)], True)
    check('search', [each.id for each in client.search(type='ticket', subject=run)], [ticket.id])
    job = client.tickets.create([Ticket(subject=f'{run} {n}', description='x') for n in range(2)])
    while client.job_status(id=job.id).status != 'completed':
        pass
    check('tickets.create, many', len(client.job_status(id=job.id).results), 2)
    client.tickets.delete(ticket)
    try:
        client.tickets(id=ticket.id)
        sys.exit('tickets.show: found a deleted ticket')
    except RecordNotFoundException:
        print('tickets.show: a deleted one is not found')


def people(client, run):
    email = f'{run}@x.example'
    user = client.users.create(User(name='Zen', email=email))
    check('users.create', (user.email, user.role), (email, 'end-user'))
    check('users.search', [each.id for each in client.users.search(query=f'email:{email}')], [user.id])
    check('users.identities', [each.value for each in client.users.identities(id=user.id)], [email])
    organization = client.organizations.create(Organization(name=run))
    client.organization_memberships.create(
        OrganizationMembership(user_id=user.id, organization_id=organization.id)
    )
    check('users.organizations', [each.name for each in client.users.organizations(user=user.id)], [run])
    organization.notes = 'n'
    check('organizations.update', client.organizations.update(organization).notes, 'n')
    try:
        client.organizations.create(Organization(name=run))
        sys.exit('organizations.create: took a name that is taken')
    except APIException:
        print('organizations.create: refuses a name that is taken')


def definitions(client):
    check('ticket_fields', 'Severity' in [field.title for field in client.ticket_fields()], True)
    check('ticket_forms', len(list(client.ticket_forms())), 1)
    check('groups', {'Support', 'Engineering'} <= {group.name for group in client.groups()}, True)
    check('brands', [brand.name for brand in client.brands()], ['Main'])
    check('custom_statuses', len(list(client.custom_statuses())), 6)


def main():
    address, token = sys.argv[1:]
    client = connect(address, token)
    run = f'zenpy-{uuid.uuid4().hex[:8]}'
    check('users.me', client.users.me().email, 'ann@sandbox.example')
    tickets(client, run)
    people(client, run)
    definitions(client)


main()
