import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.h2.H2Collection;
import de.bwaldvogel.mongo.backend.h2.H2Database;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;

/**
 * Keeps what it has answered for, as MongoDB's journal does: the library itself writes once a second, so that a
 * killed server would forget writes that its clients rely on. A commit waits until no operation is half done, and so
 * the file never holds a document without its index entry.
 */
final class DurableBackend extends H2Backend {
  private final ReadWriteLock lock = new ReentrantReadWriteLock(true);

  DurableBackend(String file) {
    super(new MVStore.Builder().fileName(file).autoCommitDisabled().open());
  }

  @Override
  protected MongoDatabase openOrCreateDatabase(String name) {
    return new H2Database(name, getMvStore(), getCursorRegistry()) {
      @Override
      protected MongoCollection<Object> openOrCreateCollection(String collection, CollectionOptions options) {
        IdLists lists = new IdLists();
        // Under the names that the library gives them.
        String namespace = getFullCollectionNamespace(collection);
        MVMap<Object, Document> documents = getMvStore().openMap("databases." + namespace);
        MVMap<String, Object> meta = getMvStore().openMap("meta." + namespace);
        return new H2Collection(this, collection, options, documents, meta, cursorRegistry) {
          @Override
          protected boolean documentMatchesQuery(Document document, Document query) {
            return lists.holds(document, query).orElseGet(() -> super.documentMatchesQuery(document, query));
          }
        };
      }
    };
  }

  @Override
  public Document handleMessage(MongoMessage message) {
    lock.readLock().lock();
    try {
      return super.handleMessage(message);
    } finally {
      lock.readLock().unlock();
      commitAll();
    }
  }

  private void commitAll() {
    if (!getMvStore().hasUnsavedChanges()) return;
    lock.writeLock().lock();
    try {
      if (getMvStore().hasUnsavedChanges()) getMvStore().commit();
    } finally {
      lock.writeLock().unlock();
    }
  }
}
