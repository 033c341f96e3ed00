import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.backend.memory.MemoryCollection;
import de.bwaldvogel.mongo.backend.memory.MemoryDatabase;
import de.bwaldvogel.mongo.bson.Document;

/** Keeps nothing; finds many documents by their ids at once. */
final class QuickMemoryBackend extends MemoryBackend {
  @Override
  public MemoryDatabase openOrCreateDatabase(String name) {
    return new MemoryDatabase(name, getCursorRegistry()) {
      @Override
      protected MemoryCollection openOrCreateCollection(String collection, CollectionOptions options) {
        IdLists lists = new IdLists();
        return new MemoryCollection(this, collection, options, cursorRegistry) {
          @Override
          protected boolean documentMatchesQuery(Document document, Document query) {
            return lists.holds(document, query).orElseGet(() -> super.documentMatchesQuery(document, query));
          }
        };
      }
    };
  }
}
