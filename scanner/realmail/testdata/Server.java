import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.KeyStore;
import java.security.Security;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/**
 * A mail server up to STARTTLS with what Java has of TLS, SSL 3.0 and RC4
 * included. Arguments: a PKCS#12 file with the password "mailvet", versions and
 * suites in Java's names separated by commas. It says the port that it listens
 * at, and serves until its input ends.
 */
public class Server {
  public static void main(String[] args) throws Exception {
    Security.setProperty("jdk.tls.disabledAlgorithms", "");
    Security.setProperty("jdk.tls.legacyAlgorithms", "");
    KeyStore keys = KeyStore.getInstance("PKCS12");
    char[] password = "mailvet".toCharArray();
    try (FileInputStream in = new FileInputStream(args[0])) {
      keys.load(in, password);
    }
    KeyManagerFactory managers = KeyManagerFactory.getInstance("PKIX");
    managers.init(keys, password);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), null, null);
    ServerSocket listener = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
    System.out.println(listener.getLocalPort());
    start(() -> {
      while (System.in.read() >= 0) {}
      System.exit(0);
    });
    while (true) {
      Socket client = listener.accept();
      start(() -> serve(context, client, args[1].split(","), args[2].split(",")));
    }
  }

  interface Task {
    void run() throws Exception;
  }

  static void start(Task task) {
    Thread thread = new Thread(() -> {
      try {
        task.run();
      } catch (Exception e) {
        System.err.println(e);
      }
    });
    thread.setDaemon(true);
    thread.start();
  }

  static void serve(SSLContext context, Socket raw, String[] versions, String[] suites) throws Exception {
    try (raw) {
      raw.setSoTimeout(30000);
      if (!talk(raw, true)) {
        return;
      }
      SSLSocket secure = (SSLSocket) context.getSocketFactory().createSocket(raw, null, true);
      secure.setUseClientMode(false);
      secure.setEnabledProtocols(versions);
      secure.setEnabledCipherSuites(suites);
      secure.startHandshake();
      talk(secure, false);
    }
  }

  /** Returns whether the client wants TLS now. */
  static boolean talk(Socket socket, boolean clear) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(socket.getInputStream(), "US-ASCII"), 1);
    OutputStream out = socket.getOutputStream();
    if (clear) {
      say(out, "220 mx.example.test ESMTP");
    }
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String verb = line.toUpperCase().split(" ")[0];
      if (verb.equals("EHLO")) {
        say(out, clear ? "250-mx.example.test\r\n250 STARTTLS" : "250 mx.example.test");
      } else if (verb.equals("STARTTLS") && clear) {
        say(out, "220 go");
        return true;
      } else if (verb.equals("QUIT")) {
        say(out, "221 bye");
        return false;
      } else {
        say(out, "500 what?");
      }
    }
    return false;
  }

  static void say(OutputStream out, String text) throws Exception {
    out.write((text + "\r\n").getBytes("US-ASCII"));
    out.flush();
  }
}
