import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
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
