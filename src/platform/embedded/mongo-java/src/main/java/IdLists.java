import de.bwaldvogel.mongo.bson.Document;
import java.util.Collection;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Whether a document is among those that a query names by their ids. The library finds them by its index, and then
 * compares each with the whole list, value by value: half of the server's time where a hundred are asked for at once.
 */
final class IdLists {
  private Document query;
  private Set<Object> ids;

  /** Empty for a query of another form than a list of texts. */
  synchronized Optional<Boolean> holds(Document document, Document asked) {
    if (asked != query) {
      query = asked;
      ids = idsOf(asked);
    }
    return ids == null ? Optional.empty() : Optional.of(ids.contains(document.get("_id")));
  }

  private static Set<Object> idsOf(Document query) {
    if (query.size() != 1 || !(query.get("_id") instanceof Document condition)) return null;
    if (condition.size() != 1 || !(condition.get("$in") instanceof Collection<?> listed)) return null;
    return listed.stream().allMatch(String.class::isInstance) ? new HashSet<>(listed) : null;
  }
}
