import de.bwaldvogel.mongo.MongoBackend;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import java.util.List;

/** Arguments: port, and a database file (in memory without one). Ends on SIGTERM, writing what is open. */
public final class EmbeddedMongo {
  public static void main(String[] arguments) {
    MongoBackend backend = arguments.length > 1 ? new DurableBackend(arguments[1]) : new QuickMemoryBackend();
    // Current drivers refuse the library's own wire version 8; it speaks what they ask of 5.0.
    backend.version(
        new MongoVersion() {
          @Override
          public List<Integer> getVersionArray() {
            return List.of(5, 0, 0, 0);
          }

          @Override
          public int getWireVersion() {
            return 13;
          }
        });
    MongoServer server = new MongoServer(backend);
    server.bind("127.0.0.1", Integer.parseInt(arguments[0]));
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
  }
}
