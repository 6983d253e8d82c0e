/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* The yardstick of the fan-out: what the kernel takes for it and nothing else. It speaks just enough of the contract that
 * the same client can drive it. A GET makes the connection a stream with one frame. A PUT sends its value to all the
 * streams: one send() of the same bytes to each socket, in a loop, with nothing between. The sockets are set as kvstored
 * sets its own. Prints its port, and serves until its standard input ends. */

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define SEND_BUFFER (64 * 1024)
#define MAX_REQUESTS (64 * 1024)

/* As many digits as a revision of kvstored's has, so that the frames have the same length. */
#define FIRST_ID G_GUINT64_CONSTANT (1700000000000000)

typedef struct {
  int fd;
  gsize length;
  char requests[]; /* MAX_REQUESTS of them, while it has not become a stream */
} Connection;

typedef struct {
  int epoll_fd;
  int listener;
  guint64 id;
  GArray *streams; /* (element-type int): their sockets */
} Server;

static void
send_all (int fd, const char *data, gsize length)
{
  if (send (fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (gssize) length)
    g_error ("A client does not keep up: %s", g_strerror (errno));
}

/* The loop that all this is about. */
static void
publish (Server *server, const char *value, gsize length)
{
  g_autofree char *frame =
    g_strdup_printf ("id: %" G_GUINT64_FORMAT "\nevent: PUT key fanout\ndata: %.*s\n\n",
                     ++server->id, (int) length, value);
  gsize frame_length = strlen (frame);

  for (guint i = 0; i < server->streams->len; i++)
    send_all (g_array_index (server->streams, int, i), frame, frame_length);
}

static void
become_stream (Server *server, Connection *connection)
{
  static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                             "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
                             "event: WATCH key fanout\ndata: \n\n";
  const int size = SEND_BUFFER;

  setsockopt (connection->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  send_all (connection->fd, head, strlen (head));
  g_array_append_val (server->streams, connection->fd);
}

/* Returns the bytes of the first request, or 0 when it is not whole yet. */
static gsize
take_request (Server *server, Connection *connection, const char *start)
{
  static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  const char *end = strstr (start, "\r\n\r\n");
  const char *field = strstr (start, "Content-Length: ");
  gsize head, body;

  if (end == NULL)
    return 0;
  head = end + 4 - start;
  if (g_str_has_prefix (start, "GET "))
    {
      become_stream (server, connection);
      return head;
    }

  body = field != NULL ? (gsize) atoi (field + strlen ("Content-Length: ")) : 0;
  if (strlen (start) < head + body)
    return 0;
  send_all (connection->fd, answer, strlen (answer));
  publish (server, start + head, body);
  return head + body;
}

/* Its socket is taken out of the streams too, wherever it is. */
static void
close_connection (Server *server, Connection *connection)
{
  for (guint i = 0; i < server->streams->len; i++)
    if (g_array_index (server->streams, int, i) == connection->fd)
      {
        g_array_remove_index_fast (server->streams, i);
        break;
      }
  close (connection->fd);
  g_free (connection);
}

static void
on_readable (Server *server, Connection *connection)
{
  gsize done = 0, taken;
  gssize n = recv (connection->fd, connection->requests + connection->length,
                   MAX_REQUESTS - connection->length, MSG_DONTWAIT);

  if (n <= 0)
    {
      close_connection (server, connection);
      return;
    }
  connection->length += n;
  connection->requests[connection->length] = '\0';
  while ((taken = take_request (server, connection, connection->requests + done)) > 0)
    done += taken;
  connection->length -= done;
  memmove (connection->requests, connection->requests + done, connection->length);
}

static void
watch (Server *server, int fd, gpointer data)
{
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = data };

  if (epoll_ctl (server->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
    g_error ("epoll_ctl: %s", g_strerror (errno));
}

static void
accept_one (Server *server)
{
  const int one = 1;
  int fd = accept4 (server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  Connection *connection;

  if (fd < 0)
    g_error ("accept4: %s", g_strerror (errno));
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  connection = g_malloc (sizeof *connection + MAX_REQUESTS + 1);
  connection->fd = fd;
  connection->length = 0;
  watch (server, fd, connection);
}

static int
open_listener (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (bind (fd, (struct sockaddr *) &address, length) < 0 || listen (fd, 4096) < 0
      || getsockname (fd, (struct sockaddr *) &address, &length) < 0)
    g_error ("Cannot listen: %s", g_strerror (errno));
  g_print ("%u\n", ntohs (address.sin_port));
  return fd;
}

int
main (void)
{
  Server server = { .epoll_fd = epoll_create1 (EPOLL_CLOEXEC), .id = FIRST_ID };

  server.streams = g_array_new (FALSE, FALSE, sizeof (int));
  server.listener = open_listener ();
  watch (&server, server.listener, &server.listener);
  watch (&server, STDIN_FILENO, NULL);
  for (;;)
    {
      struct epoll_event events[64];
      int n_events = epoll_wait (server.epoll_fd, events, G_N_ELEMENTS (events), -1);

      for (int i = 0; i < n_events; i++)
        if (events[i].data.ptr == NULL)
          return 0;
        else if (events[i].data.ptr == &server.listener)
          accept_one (&server);
        else
          on_readable (&server, events[i].data.ptr);
    }
}
