/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "dbus/kv-dbus-descriptors.h"
#include "dbus/kv-dbus-relay.h"
#include "dbus/wire/kv-dbus-writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A relay between two sockets of which the test has the other ends, and reads and writes as a bus and as GDBus do. */

#ifdef __SANITIZE_THREAD__
/* As in test-threads.c. */
const char *__tsan_default_options (void);

const char *
__tsan_default_options (void)
{
  return "ignore_noninstrumented_modules=1";
}
#endif

/* What two sockets hold beside what the relay does. */
#define MAX_SOCKET_BYTES (2 * 1024 * 1024)

#define LARGE (1024 * 1024)

typedef struct {
  int bus;
  int local;
  KvDbusRelay *relay;
  KvDbusOutbox *outbox; /* (owned) */
  gint n_taken;         /* atomic */
} Fixture;

/* --- the ends --- */

static void
write_all (int socket, const void *data, gsize length)
{
  for (gsize done = 0; done < length;)
    {
      gssize written = send (socket, (const char *) data + done, length - done, MSG_NOSIGNAL);

      g_assert_cmpint (written, >, 0);
      done += (gsize) written;
    }
}

/* Reads as GDBus does: no further than it was told. Gives how much there was before the end. */
static gsize
read_some (int socket, void *data, gsize length, GArray *descriptors)
{
  gsize done = 0;

  while (done < length)
    {
      union {
        struct cmsghdr head;
        char room[CMSG_SPACE (sizeof (int) * KV_DBUS_MAX_DESCRIPTORS)];
      } control;
      struct iovec piece = { (char *) data + done, length - done };
      struct msghdr message = {
        .msg_iov = &piece,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
      };
      gssize received = recvmsg (socket, &message, MSG_CMSG_CLOEXEC);

      if (received <= 0)
        break;
      for (struct cmsghdr *c = CMSG_FIRSTHDR (&message); c != NULL; c = CMSG_NXTHDR (&message, c))
        g_array_append_vals (descriptors, CMSG_DATA (c),
                             (guint) ((c->cmsg_len - CMSG_LEN (0)) / sizeof (int)));
      done += (gsize) received;
    }

  return done;
}

static void
read_all (int socket, void *data, gsize length)
{
  g_autoptr (GArray) descriptors = g_array_new (FALSE, FALSE, sizeof (int));

  g_assert_cmpuint (read_some (socket, data, length, descriptors), ==, length);
  g_assert_cmpuint (descriptors->len, ==, 0);
}

static void
assert_reads (int socket, const char *expected)
{
  g_autofree char *text = g_malloc0 (strlen (expected) + 1);

  read_all (socket, text, strlen (expected));
  g_assert_cmpstr (text, ==, expected);
}

static void
assert_at_end (int socket)
{
  char c;

  g_assert_cmpint (recv (socket, &c, 1, 0), <=, 0);
}

/* Whatever there still is. */
static void
read_to_end (int socket)
{
  char bytes[4096];

  while (recv (socket, bytes, sizeof bytes, 0) > 0)
    ;
}

/* One message, of which this tells the serial, and how many descriptors have come with it, which are closed. */
static guint32
read_message (int socket, guint *n_descriptors)
{
  g_autoptr (GArray) descriptors = g_array_new (FALSE, FALSE, sizeof (int));
  guint8 fixed[KV_DBUS_FIXED_HEAD_BYTES];
  g_autofree guint8 *bytes = NULL;
  KvDbusHead head;
  gsize length;

  g_assert_cmpuint (read_some (socket, fixed, sizeof fixed, descriptors), ==, sizeof fixed);
  length = kv_dbus_head_measure (fixed);
  g_assert_cmpuint (length, >=, sizeof fixed);
  bytes = g_malloc (length);
  memcpy (bytes, fixed, sizeof fixed);
  length -= sizeof fixed;
  g_assert_cmpuint (read_some (socket, bytes + sizeof fixed, length, descriptors), ==, length);
  g_assert_true (kv_dbus_head_parse (&head, bytes, length + sizeof fixed));
  g_assert_cmpuint (descriptors->len, ==, head.n_descriptors);
  for (guint i = 0; i < descriptors->len; i++)
    g_assert_cmpint (fcntl (g_array_index (descriptors, int, i), F_GETFD), >=, 0);
  kv_dbus_descriptors_close ((const int *) (void *) descriptors->data, descriptors->len);
  if (n_descriptors != NULL)
    *n_descriptors = descriptors->len;

  return head.reply_serial != 0 ? head.reply_serial : head.serial;
}

/* --- messages --- */

static void
append_message (KvDbusBuffer *buffer,
                const char *member,
                guint32 serial,
                guint32 n_descriptors,
                gsize size)
{
  const KvDbusHead head = {
    .type = KV_DBUS_TYPE_METHOD_CALL,
    .serial = serial,
    .path = "/p",
    .member = member,
    .n_descriptors = n_descriptors,
    .signature = size > 0 ? "ay" : NULL,
  };
  g_autofree guint8 *bytes = g_malloc0 (size);
  KvDbusWriter writer;

  kv_dbus_writer_begin (&writer, buffer, &head);
  if (size > 0)
    kv_dbus_writer_put_bytes (&writer, bytes, size);
  kv_dbus_writer_end (&writer);
}

static void
send_message (int socket, const char *member, guint32 serial, gsize size)
{
  g_auto (KvDbusBuffer) buffer = { 0 };

  append_message (&buffer, member, serial, 0, size);
  write_all (socket, buffer.data, buffer.end);
}

/* Sends everything in one piece, with as many descriptors. */
static void
send_with_descriptors (int socket, const KvDbusBuffer *buffer, guint n)
{
  union {
    struct cmsghdr head;
    char room[CMSG_SPACE (sizeof (int) * 8)];
  } control = { 0 };
  struct iovec piece = { buffer->data, buffer->end };
  struct msghdr message = {
    .msg_iov = &piece,
    .msg_iovlen = 1,
    .msg_control = &control,
    .msg_controllen = CMSG_SPACE (sizeof (int) * n),
  };
  int descriptors[8];

  g_assert_cmpuint (n, <=, G_N_ELEMENTS (descriptors));
  for (guint i = 0; i < n; i++)
    descriptors[i] = socket;
  control.head.cmsg_level = SOL_SOCKET;
  control.head.cmsg_type = SCM_RIGHTS;
  control.head.cmsg_len = CMSG_LEN (sizeof (int) * n);
  memcpy (CMSG_DATA (&control.head), descriptors, sizeof (int) * n);
  g_assert_cmpint (sendmsg (socket, &message, MSG_NOSIGNAL), ==, buffer->end);
}

/* --- the relay --- */

static void
answer (Fixture *fixture, guint32 serial, gsize size)
{
  KvDbusHead head = { .type = KV_DBUS_TYPE_METHOD_RETURN,
                      .reply_serial = serial,
                      .signature = "ay" };
  KvDbusBuffer *buffer = kv_dbus_outbox_begin (fixture->outbox, &head.serial);
  g_autofree guint8 *bytes = g_malloc0 (size + 1);
  KvDbusWriter writer;

  if (buffer == NULL)
    return;
  kv_dbus_writer_begin (&writer, buffer, &head);
  kv_dbus_writer_put_bytes (&writer, bytes, size);
  kv_dbus_writer_end (&writer);
  kv_dbus_outbox_end (fixture->outbox);
}

/* Ours are answered by as little, or by much, or not at all. */
static gboolean
on_message (KvDbusMessage *message, gpointer user_data)
{
  Fixture *fixture = user_data;

  if (message->head.member == NULL)
    return FALSE;
  if (g_str_equal (message->head.member, "Little"))
    answer (fixture, message->head.serial, 1);
  else if (g_str_equal (message->head.member, "Much"))
    answer (fixture, message->head.serial, LARGE);
  else if (!g_str_equal (message->head.member, "Nothing"))
    return FALSE;
  g_atomic_int_inc (&fixture->n_taken);

  return TRUE;
}

static void
make_pair (int *ours, int *theirs)
{
  int pair[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
  g_assert_cmpint (fcntl (pair[1], F_SETFL, O_NONBLOCK), ==, 0);
  *ours = pair[0];
  *theirs = pair[1];
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  int bus, local;

  make_pair (&fixture->bus, &bus);
  make_pair (&fixture->local, &local);
  fixture->relay = kv_dbus_relay_new (bus, local, &error);
  g_assert_no_error (error);
  fixture->outbox = kv_dbus_outbox_ref (kv_dbus_relay_get_outbox (fixture->relay));
  kv_dbus_relay_set_func (fixture->relay, on_message, fixture);
}

static void
set_up_authenticated (Fixture *fixture, gconstpointer data)
{
  set_up (fixture, data);
  write_all (fixture->local, "\0AUTH\r\nBEGIN\r\n", 14);
  read_all (fixture->bus, (char[14]){ 0 }, 14);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  if (fixture->relay != NULL)
    kv_dbus_relay_set_func (fixture->relay, NULL, NULL);
  g_clear_pointer (&fixture->relay, kv_dbus_relay_free);
  kv_dbus_outbox_unref (fixture->outbox);
  if (fixture->bus >= 0)
    close (fixture->bus);
  if (fixture->local >= 0)
    close (fixture->local);
}

/* --- authentication --- */

static void
test_passes_authentication (Fixture *fixture, gconstpointer data)
{
  write_all (fixture->local, "\0AUTH EXTERNAL 30\r\n", 19);
  read_all (fixture->bus, (char[1]){ 1 }, 1);
  assert_reads (fixture->bus, "AUTH EXTERNAL 30\r\n");
  write_all (fixture->bus, "OK 1234\r\n", 9);
  assert_reads (fixture->local, "OK 1234\r\n");
  write_all (fixture->local, "DATA BEGIN\r\nBEGINS\r\nBEG", 23);
  assert_reads (fixture->bus, "DATA BEGIN\r\nBEGINS\r\nBEG");
  write_all (fixture->bus, "lines\r\n", 7);
  assert_reads (fixture->local, "lines\r\n");
  write_all (fixture->local, "IN\r\n", 4);
  assert_reads (fixture->bus, "IN\r\n");

  send_message (fixture->local, "Hello", 1, 0);
  g_assert_cmpuint (read_message (fixture->bus, NULL), ==, 1);
  send_message (fixture->bus, "Little", 2, 0);
  g_assert_cmpuint (read_message (fixture->bus, NULL), ==, 2);
}

static void
test_takes_what_stands_behind_begin (Fixture *fixture, gconstpointer data)
{
  g_auto (KvDbusBuffer) buffer = { 0 };

  kv_dbus_buffer_append (&buffer, "BEGIN\r\n", 7);
  append_message (&buffer, "Hello", 1, 0, 10);
  write_all (fixture->local, buffer.data, buffer.end);
  assert_reads (fixture->bus, "BEGIN\r\n");
  g_assert_cmpuint (read_message (fixture->bus, NULL), ==, 1);
}

/* --- messages --- */

static void
test_sorts_messages (Fixture *fixture, gconstpointer data)
{
  g_auto (KvDbusBuffer) buffer = { 0 };

  append_message (&buffer, "Little", 1, 0, 0);
  append_message (&buffer, "Other", 2, 0, 3);
  append_message (&buffer, "Nothing", 3, 0, 0);
  append_message (&buffer, "Other", 4, 0, 0);
  append_message (&buffer, "Little", 5, 0, 9);
  write_all (fixture->bus, buffer.data, buffer.end);
  g_assert_cmpuint (read_message (fixture->bus, NULL), ==, 1);
  g_assert_cmpuint (read_message (fixture->bus, NULL), ==, 5);
  g_assert_cmpuint (read_message (fixture->local, NULL), ==, 2);
  g_assert_cmpuint (read_message (fixture->local, NULL), ==, 4);
  g_assert_cmpint (g_atomic_int_get (&fixture->n_taken), ==, 3);
}

/* The other side is asked in between, so that what was sent first has come in alone. */
/* What a bus says to an answer or a signal that nobody was there to take. GDBus would take it for the answer to a call of its
 * own that has the same number. */
static void
test_keeps_what_answers_us (Fixture *fixture, gconstpointer data)
{
  const KvDbusHead theirs = { .type = KV_DBUS_TYPE_ERROR,
                              .serial = 1,
                              .reply_serial = 5,
                              .error_name = "a.b" };
  KvDbusHead ours = theirs;
  g_auto (KvDbusBuffer) buffer = { 0 };
  KvDbusWriter writer;

  g_assert_nonnull (kv_dbus_outbox_begin (fixture->outbox, &ours.reply_serial));
  kv_dbus_outbox_end (fixture->outbox);
  g_assert_cmpuint (ours.reply_serial, >=, KV_DBUS_FIRST_SERIAL);
  kv_dbus_writer_begin (&writer, &buffer, &ours);
  kv_dbus_writer_end (&writer);
  kv_dbus_writer_begin (&writer, &buffer, &theirs);
  kv_dbus_writer_end (&writer);
  write_all (fixture->bus, buffer.data, buffer.end);
  g_assert_cmpuint (read_message (fixture->local, NULL), ==, 5);
}

static void
test_takes_messages_in_pieces (Fixture *fixture, gconstpointer data)
{
  g_auto (KvDbusBuffer) buffer = { 0 };

  append_message (&buffer, "Little", 1, 0, 5);
  append_message (&buffer, "Other", 2, 0, 3);
  for (gsize cut = 1; cut < buffer.end; cut++)
    {
      write_all (fixture->bus, buffer.data, cut);
      send_message (fixture->local, "Ask", 7, 0);
      while (read_message (fixture->bus, NULL) != 7)
        ;
      write_all (fixture->bus, buffer.data + cut, buffer.end - cut);
      g_assert_cmpuint (read_message (fixture->local, NULL), ==, 2);
    }
  g_assert_cmpint (g_atomic_int_get (&fixture->n_taken), ==, buffer.end - 1);
}

static void
test_takes_large_messages (Fixture *fixture, gconstpointer data)
{
  send_message (fixture->bus, "Little", 1, 20 * LARGE);
  g_assert_cmpuint (read_message (fixture->bus, NULL), ==, 1);
}

static gpointer
send_large (gpointer socket)
{
  send_message (GPOINTER_TO_INT (socket), "Large", 3, 20 * LARGE);

  return NULL;
}

static void
test_passes_large_messages (Fixture *fixture, gconstpointer data)
{
  GThread *thread = g_thread_new ("large", send_large, GINT_TO_POINTER (fixture->bus));

  g_assert_cmpuint (read_message (fixture->local, NULL), ==, 3);
  g_thread_join (thread);
  thread = g_thread_new ("large", send_large, GINT_TO_POINTER (fixture->local));
  g_assert_cmpuint (read_message (fixture->bus, NULL), ==, 3);
  g_thread_join (thread);
}

static gpointer
answer_often (gpointer user_data)
{
  for (guint i = 0; i < 1000; i++)
    answer (user_data, i + 1, 100);

  return NULL;
}

static void
test_answers_come_from_any_thread (Fixture *fixture, gconstpointer data)
{
  GThread *thread = g_thread_new ("answer", answer_often, fixture);

  for (guint i = 0; i < 1000; i++)
    {
      if (i % 10 == 0)
        send_message (fixture->bus, "Nothing", 5000, 0);
      g_assert_cmpuint (read_message (fixture->bus, NULL), ==, i + 1);
    }
  g_thread_join (thread);
}

/* --- descriptors --- */

/* Each comes with its message, though others are before and behind it. */
static void
pass_descriptors (int from, int to)
{
  for (guint round = 0; round < 10; round++)
    {
      g_auto (KvDbusBuffer) with = { 0 };
      guint n;

      send_message (from, "Other", 1, 100);
      append_message (&with, "Other", 2, 3, 50);
      append_message (&with, "Other", 3, 0, 0);
      send_with_descriptors (from, &with, 3);
      g_assert_cmpuint (read_message (to, &n), ==, 1);
      g_assert_cmpuint (n, ==, 0);
      g_assert_cmpuint (read_message (to, &n), ==, 2);
      g_assert_cmpuint (n, ==, 3);
      g_assert_cmpuint (read_message (to, &n), ==, 3);
      g_assert_cmpuint (n, ==, 0);
    }
}

static void
test_passes_descriptors (Fixture *fixture, gconstpointer data)
{
  pass_descriptors (fixture->bus, fixture->local);
  pass_descriptors (fixture->local, fixture->bus);
}

static guint
count_open (void)
{
  g_autoptr (GDir) folder = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (folder) != NULL)
    n++;

  return n;
}

static void
test_closes_those_of_ours (Fixture *fixture, gconstpointer data)
{
  g_auto (KvDbusBuffer) buffer = { 0 };
  guint before = count_open ();

  append_message (&buffer, "Little", 1, 4, 0);
  for (guint i = 0; i < 10; i++)
    {
      send_with_descriptors (fixture->bus, &buffer, 4);
      g_assert_cmpuint (read_message (fixture->bus, NULL), ==, 1);
    }
  /* What it was answered for has been closed before anything else is taken. */
  send_message (fixture->bus, "Little", 2, 0);
  g_assert_cmpuint (read_message (fixture->bus, NULL), ==, 2);
  g_assert_cmpuint (count_open (), ==, before);
}

static void
test_wants_all_descriptors (Fixture *fixture, gconstpointer data)
{
  g_auto (KvDbusBuffer) buffer = { 0 };

  append_message (&buffer, "Other", 1, 2, 0);
  send_with_descriptors (fixture->bus, &buffer, 1);
  assert_at_end (fixture->bus);
  assert_at_end (fixture->local);
}

/* --- more than can be sent --- */

static void
test_takes_no_more_than_is_read (Fixture *fixture, gconstpointer data)
{
  const int most = (KV_DBUS_MAX_WAITING_BYTES + MAX_SOCKET_BYTES) / LARGE + 2;

  for (guint i = 1; i <= 100; i++)
    send_message (fixture->bus, "Much", i, 0);
  for (int i = 1; i <= 100; i++)
    {
      g_assert_cmpuint (read_message (fixture->bus, NULL), ==, i);
      g_assert_cmpint (g_atomic_int_get (&fixture->n_taken) - i, <=, most);
    }
}

/* Sends to one side, whose other end reads nothing, until nothing more goes in. */
static guint
fill (int socket)
{
  g_auto (KvDbusBuffer) buffer = { 0 };
  struct pollfd writable = { .fd = socket, .events = POLLOUT };
  gsize done = 0;
  guint n = 0;

  append_message (&buffer, "Other", 1, 0, 64 * 1024);
  /* The relay needs some time to take what it can, but not long: a second without room is the end. */
  while (poll (&writable, 1, 1000) > 0)
    {
      gssize sent =
        send (socket, buffer.data + done, buffer.end - done, MSG_DONTWAIT | MSG_NOSIGNAL);

      g_assert_true (sent > 0 || errno == EAGAIN);
      done += (gsize) MAX (sent, 0);
      if (done == buffer.end)
        {
          n++;
          done = 0;
        }
      g_assert_cmpuint (n * buffer.end, <=, KV_DBUS_MAX_WAITING_BYTES + 2 * MAX_SOCKET_BYTES);
    }

  return n;
}

static void
test_holds_up_who_is_not_read (Fixture *fixture, gconstpointer data)
{
  guint n = fill (fixture->bus);

  g_assert_cmpuint (n * 64 * 1024, >=, KV_DBUS_MAX_WAITING_BYTES);
  for (guint i = 0; i < n; i++)
    g_assert_cmpuint (read_message (fixture->local, NULL), ==, 1);
  n = fill (fixture->local);
  for (guint i = 0; i < n; i++)
    g_assert_cmpuint (read_message (fixture->bus, NULL), ==, 1);
}

/* --- ends --- */

static void
test_ends_with_the_bus (Fixture *fixture, gconstpointer data)
{
  send_message (fixture->bus, "Other", 1, LARGE / 8);
  send_message (fixture->bus, "Other", 2, 0);
  close (fixture->bus);
  fixture->bus = -1;
  g_assert_cmpuint (read_message (fixture->local, NULL), ==, 1);
  g_assert_cmpuint (read_message (fixture->local, NULL), ==, 2);
  assert_at_end (fixture->local);
  kv_dbus_outbox_wait_closed (fixture->outbox);
  answer (fixture, 1, 1);
}

static void
test_ends_with_gdbus (Fixture *fixture, gconstpointer data)
{
  answer (fixture, 5, LARGE);
  send_message (fixture->local, "Other", 6, LARGE / 8);
  close (fixture->local);
  fixture->local = -1;
  g_assert_cmpuint (read_message (fixture->bus, NULL), ==, 5);
  g_assert_cmpuint (read_message (fixture->bus, NULL), ==, 6);
  assert_at_end (fixture->bus);
  kv_dbus_outbox_wait_closed (fixture->outbox);
}

/* For two seconds at most. */
static void
test_leaves_a_bus_that_stands_still (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 10; i++)
    answer (fixture, 1, LARGE);
  close (fixture->local);
  fixture->local = -1;
  kv_dbus_outbox_wait_closed (fixture->outbox);
}

static void
test_may_be_dropped_at_any_time (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 10; i++)
    answer (fixture, 1, LARGE);
  kv_dbus_relay_set_func (fixture->relay, NULL, NULL);
  g_clear_pointer (&fixture->relay, kv_dbus_relay_free);
  assert_at_end (fixture->local);
  kv_dbus_outbox_wait_closed (fixture->outbox);
}

static void
test_ends_with_what_is_no_message (Fixture *fixture, gconstpointer data)
{
  int from = data != NULL ? fixture->local : fixture->bus;

  send_message (from, "Other", 1, 0);
  write_all (from, "this is no message", 18);
  read_to_end (fixture->bus);
  read_to_end (fixture->local);
  kv_dbus_outbox_wait_closed (fixture->outbox);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/dbus/relay/" name, Fixture, NULL, set_up_authenticated, function, tear_down)
  g_test_add ("/dbus/relay/passes-authentication", Fixture, NULL, set_up,
              test_passes_authentication, tear_down);
  g_test_add ("/dbus/relay/takes-what-stands-behind-begin", Fixture, NULL, set_up,
              test_takes_what_stands_behind_begin, tear_down);
  ADD ("sorts-messages", test_sorts_messages);
  ADD ("keeps-what-answers-us", test_keeps_what_answers_us);
  ADD ("takes-messages-in-pieces", test_takes_messages_in_pieces);
  ADD ("takes-large-messages", test_takes_large_messages);
  ADD ("passes-large-messages", test_passes_large_messages);
  ADD ("answers-come-from-any-thread", test_answers_come_from_any_thread);
  ADD ("passes-descriptors", test_passes_descriptors);
  ADD ("closes-those-of-ours", test_closes_those_of_ours);
  ADD ("wants-all-descriptors", test_wants_all_descriptors);
  ADD ("takes-no-more-than-is-read", test_takes_no_more_than_is_read);
  ADD ("holds-up-who-is-not-read", test_holds_up_who_is_not_read);
  ADD ("ends-with-the-bus", test_ends_with_the_bus);
  ADD ("ends-with-gdbus", test_ends_with_gdbus);
  ADD ("leaves-a-bus-that-stands-still", test_leaves_a_bus_that_stands_still);
  ADD ("may-be-dropped-at-any-time", test_may_be_dropped_at_any_time);
  ADD ("ends-with-what-is-no-message", test_ends_with_what_is_no_message);
  g_test_add ("/dbus/relay/ends-with-what-is-no-message-of-gdbus", Fixture, GINT_TO_POINTER (1),
              set_up_authenticated, test_ends_with_what_is_no_message, tear_down);
#undef ADD

  return g_test_run ();
}
