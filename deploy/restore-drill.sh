#!/bin/sh
# Restores a backup of the link store next to the running service, and shows what a service would write with it.
# The drill reads both systems and writes to neither. It replaces the database $MONGODB_DATABASE-drill.
#
#   MONGODB_URI=mongodb://… deploy/restore-drill.sh links.archive
#
# Needs mongorestore, and the settings of the service. ZENDESK_PMS_SYNC is the command of the service.
set -eu

if [ $# -ne 1 ] || [ ! -f "$1" ] || [ -z "${MONGODB_URI:-}" ]; then
  echo "usage: MONGODB_URI=mongodb://… $0 ARCHIVE (as mongodump --gzip --archive=ARCHIVE writes it)" >&2
  exit 2
fi
sync=${ZENDESK_PMS_SYNC:-npx zendesk-pms-sync}
live=${MONGODB_DATABASE:-zendesk-pms-sync}
drill="$live-drill"

echo "1. Restore the backup of $live as $drill"
mongorestore --uri="$MONGODB_URI" --drop --gzip --archive="$1" \
  --nsInclude="$live.*" --nsFrom="$live.*" --nsTo="$drill.*"

export MONGODB_DATABASE="$drill"
echo "2. Check that this release understands all documents"
$sync store migrate --dry-run
echo "3. Find the pairs that are newer than the backup"
$sync links rebuild
echo "4. Show what a service would write with this backup"
$sync plan --summary
echo "The backup can be restored. Check the plan: a record that it would create must be newer than the last poll of the service."
