/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "core/kv-error.h"
#include "dbus/kv-dbus-port.h"
#include "handed.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

/* Descriptors of every kind. The test stands between the port and poll(), to be somebody who says that a descriptor is ready when
 * it is so no more: others who have it may have been there first. */

#define LONG_TIME (60 * G_USEC_PER_SEC)
#define NO_TIME (20 * G_TIME_SPAN_MILLISECOND)

/* More than any of them holds. */
#define PLENTY (4 * 1024 * 1024)

int __real_poll (struct pollfd *descriptors, nfds_t n, int timeout);
int __wrap_poll (struct pollfd *descriptors, nfds_t n, int timeout);

static gboolean poll_lies;
static guint n_lies;

int
__wrap_poll (struct pollfd *descriptors, nfds_t n, int timeout)
{
  int n_ready;

  if (!poll_lies || n != 2)
    return __real_poll (descriptors, n, timeout);

  n_ready = __real_poll (descriptors, n, 0);
  if (descriptors[0].revents == 0)
    {
      descriptors[0].revents = descriptors[0].events;
      n_ready++;
      n_lies++;
    }

  return n_ready;
}

/* --- two ends --- */

typedef struct {
  int reading;
  int writing;
} Ends;

static void
open_pipe (Ends *ends)
{
  int pair[2];

  g_assert_cmpint (pipe2 (pair, O_CLOEXEC), ==, 0);
  *ends = (Ends){ .reading = pair[0], .writing = pair[1] };
}

static void
open_small_pipe (Ends *ends)
{
  open_pipe (ends);
  g_assert_cmpint (fcntl (ends->writing, F_SETPIPE_SZ, 4096), >, 0);
}

static void
open_pipe_of_packets (Ends *ends)
{
  int pair[2];

  g_assert_cmpint (pipe2 (pair, O_CLOEXEC | O_DIRECT), ==, 0);
  *ends = (Ends){ .reading = pair[0], .writing = pair[1] };
}

static void
open_sockets (Ends *ends)
{
  int pair[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
  *ends = (Ends){ .reading = pair[0], .writing = pair[1] };
}

static void
make_raw (int terminal)
{
  struct termios settings;

  g_assert_cmpint (tcgetattr (terminal, &settings), ==, 0);
  cfmakeraw (&settings);
  g_assert_cmpint (tcsetattr (terminal, TCSANOW, &settings), ==, 0);
}

static void
open_terminal (Ends *ends)
{
  g_assert_cmpint (openpty (&ends->reading, &ends->writing, NULL, NULL, NULL), ==, 0);
  make_raw (ends->writing);
}

/* The terminal is the one that is read from. */
static void
open_keyboard (Ends *ends)
{
  g_assert_cmpint (openpty (&ends->writing, &ends->reading, NULL, NULL, NULL), ==, 0);
  make_raw (ends->reading);
}

static void
close_ends (Ends *ends)
{
  close (ends->reading);
  close (ends->writing);
}

typedef void (*Opener) (Ends *ends);

/* Those that are written to, and those that are read from. */
static const Opener outlets[] = { open_pipe, open_small_pipe, open_pipe_of_packets, open_sockets,
                                  open_terminal };
static const Opener inlets[] = { open_pipe, open_small_pipe, open_pipe_of_packets, open_sockets,
                                 open_keyboard };

static KvDbusPort *
open_port (int descriptor,
           KvDbusPortDirection direction,
           gint64 patience,
           GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;
  KvDbusPort *port = kv_dbus_port_open (descriptor, direction, patience, cancellable, &error);

  g_assert_no_error (error);

  return port;
}

/* --- what goes through --- */

static char *
make_text (gsize length)
{
  char *text = g_malloc (length);

  for (gsize i = 0; i < length; i++)
    text[i] = (char) ('a' + i % 23);

  return text;
}

typedef struct {
  int descriptor;
  const char *text;
  gsize length;
} Traffic;

/* Reads as much as there is to come, and compares it. */
static gpointer
read_all (gpointer data)
{
  const Traffic *traffic = data;
  g_autofree char *got = g_malloc (traffic->length);
  gsize length = 0;

  while (length < traffic->length)
    {
      gssize n = read (traffic->descriptor, got + length, traffic->length - length);

      g_assert_cmpint (n, >, 0);
      length += (gsize) n;
    }
  g_assert_true (memcmp (got, traffic->text, length) == 0);

  return NULL;
}

static gpointer
write_all (gpointer data)
{
  const Traffic *traffic = data;

  for (gsize sent = 0; sent < traffic->length;)
    {
      /* Packets of a pipe are no longer than this, and of odd lengths. */
      gssize n = write (traffic->descriptor, traffic->text + sent,
                        MIN (traffic->length - sent, 1 + sent % 3001));

      g_assert_cmpint (n, >, 0);
      sent += (gsize) n;
    }

  return NULL;
}

static void
check_writing (Opener opener, gsize length, gboolean lies)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *text = make_text (length);
  g_autoptr (GError) error = NULL;
  g_autoptr (KvDbusPort) port = NULL;
  Traffic traffic = { .text = text, .length = length };
  Ends ends;
  GThread *reader;

  opener (&ends);
  traffic.descriptor = ends.reading;
  port = open_port (ends.writing, KV_DBUS_PORT_WRITE, LONG_TIME, cancellable);
  poll_lies = lies;
  reader = g_thread_new ("reader", read_all, &traffic);
  g_assert_true (kv_dbus_port_write (port, text, length, &error));
  g_assert_no_error (error);
  g_thread_join (reader);
  poll_lies = FALSE;
  close_ends (&ends);
}

static void
test_writes_everything (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (outlets); i++)
    check_writing (outlets[i], PLENTY, FALSE);
}

static void
check_reading (Opener opener)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *text = make_text (PLENTY / 4);
  g_autoptr (GError) error = NULL;
  g_autoptr (KvDbusPort) port = NULL;
  Traffic traffic = { .text = text, .length = PLENTY / 4 };
  Ends ends;
  GThread *writer;
  static char buffer[100000];

  opener (&ends);
  traffic.descriptor = ends.writing;
  port = open_port (ends.reading, KV_DBUS_PORT_READ, LONG_TIME, cancellable);
  writer = g_thread_new ("writer", write_all, &traffic);
  for (gsize length = 0; length < traffic.length;)
    {
      gssize n = kv_dbus_port_read (port, buffer, sizeof buffer, &error);

      g_assert_no_error (error);
      g_assert_cmpint (n, >, 0);
      g_assert_true (memcmp (buffer, text + length, (gsize) n) == 0);
      length += (gsize) n;
    }
  g_thread_join (writer);
  if (opener != open_keyboard)
    {
      close (ends.writing);
      g_assert_cmpint (kv_dbus_port_read (port, buffer, sizeof buffer, &error), ==, 0);
      ends.writing = -1;
    }
  close_ends (&ends);
}

static void
test_reads_everything (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (inlets); i++)
    check_reading (inlets[i]);
}

/* --- waiting --- */

static void
test_loses_patience (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (outlets); i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autofree char *text = make_text (PLENTY);
      g_autoptr (GError) error = NULL;
      g_autoptr (KvDbusPort) port = NULL;
      Ends ends;

      outlets[i](&ends);
      port = open_port (ends.writing, KV_DBUS_PORT_WRITE, NO_TIME, cancellable);
      g_assert_false (kv_dbus_port_write (port, text, PLENTY, &error));
      g_assert_error (error, KV_ERROR, KV_ERROR_FAILED);
      g_assert_nonnull (strstr (error->message, "Nobody has taken"));
      close_ends (&ends);
    }
}

/* What poll() says of a descriptor may be over when it is used: then it must not block, or nobody could end that. */
static void
test_does_not_trust_poll (void)
{
  n_lies = 0;
  for (gsize i = 0; i < G_N_ELEMENTS (outlets); i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autofree char *text = make_text (PLENTY);
      g_autoptr (GError) error = NULL;
      g_autoptr (KvDbusPort) port = NULL;
      Ends ends;

      outlets[i](&ends);
      port = open_port (ends.writing, KV_DBUS_PORT_WRITE, NO_TIME, cancellable);
      poll_lies = TRUE;
      g_assert_false (kv_dbus_port_write (port, text, PLENTY, &error));
      poll_lies = FALSE;
      g_assert_error (error, KV_ERROR, KV_ERROR_FAILED);
      close_ends (&ends);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (inlets); i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GError) error = NULL;
      g_autoptr (KvDbusPort) port = NULL;
      char buffer[16];
      Ends ends;

      inlets[i](&ends);
      port = open_port (ends.reading, KV_DBUS_PORT_READ, NO_TIME, cancellable);
      poll_lies = TRUE;
      g_assert_cmpint (kv_dbus_port_read (port, buffer, sizeof buffer, &error), ==, -1);
      poll_lies = FALSE;
      g_assert_error (error, KV_ERROR, KV_ERROR_FAILED);
      close_ends (&ends);
    }
  g_assert_cmpuint (n_lies, >=, G_N_ELEMENTS (outlets) + G_N_ELEMENTS (inlets));
}

/* Nothing is lost, and nothing comes twice, where it had to be tried again. */
static void
test_writes_everything_in_spite_of_poll (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (outlets); i++)
    check_writing (outlets[i], PLENTY / 16, TRUE);
}

typedef struct {
  KvDbusPort *port;
  const char *text;
} Waiting;

static gpointer
write_until_cancelled (gpointer data)
{
  const Waiting *waiting = data;
  GError *error = NULL;

  g_assert_false (kv_dbus_port_write (waiting->port, waiting->text, PLENTY, &error));

  return error;
}

static void
test_a_wait_can_be_cancelled (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (outlets); i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autofree char *text = make_text (PLENTY);
      g_autoptr (GError) error = NULL;
      g_autoptr (KvDbusPort) port = NULL;
      Waiting waiting = { .text = text };
      struct pollfd readable = { .events = POLLIN };
      GThread *thread;
      Ends ends;

      outlets[i](&ends);
      port = open_port (ends.writing, KV_DBUS_PORT_WRITE, LONG_TIME, cancellable);
      waiting.port = port;
      thread = g_thread_new ("writer", write_until_cancelled, &waiting);
      readable.fd = ends.reading;
      g_assert_cmpint (__real_poll (&readable, 1, -1), ==, 1);
      g_cancellable_cancel (cancellable);
      error = g_thread_join (thread);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      close_ends (&ends);
    }
}

static void
test_a_file_can_be_cancelled (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (KvDbusPort) port = NULL;
  int file = open ("/dev/null", O_WRONLY | O_CLOEXEC);

  port = open_port (file, KV_DBUS_PORT_WRITE, LONG_TIME, cancellable);
  g_assert_true (kv_dbus_port_write (port, "text", 4, &error));
  g_cancellable_cancel (cancellable);
  g_assert_false (kv_dbus_port_write (port, "text", 4, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  close (file);
}

/* --- what it leaves --- */

static void
test_leaves_the_descriptor_as_it_is (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (outlets); i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      KvDbusPort *port;
      guint n_descriptors;
      Ends ends;
      int flags;

      outlets[i](&ends);
      flags = fcntl (ends.writing, F_GETFL);
      n_descriptors = handed_count ();
      port = open_port (ends.writing, KV_DBUS_PORT_WRITE, LONG_TIME, cancellable);
      g_assert_true (kv_dbus_port_write (port, "text", 4, NULL));
      g_assert_cmpint (fcntl (ends.writing, F_GETFL), ==, flags);
      g_assert_cmpuint (handed_count (), <=, n_descriptors + 3);
      kv_dbus_port_free (port);
      g_assert_cmpint (fcntl (ends.writing, F_GETFL), ==, flags);
      g_assert_cmpuint (handed_count (), ==, n_descriptors);
      close_ends (&ends);
    }
}

static void
check_refused (int descriptor, KvDbusPortDirection direction)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  guint n_descriptors = handed_count ();

  g_assert_null (kv_dbus_port_open (descriptor, direction, LONG_TIME, cancellable, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT);
  g_assert_cmpuint (handed_count (), ==, n_descriptors);
}

static void
test_refuses_what_will_not_do (void)
{
  Ends ends;
  int descriptor;

  open_pipe (&ends);
  check_refused (ends.reading, KV_DBUS_PORT_WRITE);
  check_refused (ends.writing, KV_DBUS_PORT_READ);
  close_ends (&ends);

  descriptor = open ("/", O_RDONLY | O_CLOEXEC);
  check_refused (descriptor, KV_DBUS_PORT_READ);
  close (descriptor);
  descriptor = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  check_refused (descriptor, KV_DBUS_PORT_READ);
  check_refused (descriptor, KV_DBUS_PORT_WRITE);
  close (descriptor);
  check_refused (-1, KV_DBUS_PORT_WRITE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  signal (SIGPIPE, SIG_IGN);
  g_test_add_func ("/dbus/port/writes-everything", test_writes_everything);
  g_test_add_func ("/dbus/port/reads-everything", test_reads_everything);
  g_test_add_func ("/dbus/port/loses-patience", test_loses_patience);
  g_test_add_func ("/dbus/port/does-not-trust-poll", test_does_not_trust_poll);
  g_test_add_func ("/dbus/port/writes-everything-in-spite-of-poll",
                   test_writes_everything_in_spite_of_poll);
  g_test_add_func ("/dbus/port/a-wait-can-be-cancelled", test_a_wait_can_be_cancelled);
  g_test_add_func ("/dbus/port/a-file-can-be-cancelled", test_a_file_can_be_cancelled);
  g_test_add_func ("/dbus/port/leaves-the-descriptor-as-it-is",
                   test_leaves_the_descriptor_as_it_is);
  g_test_add_func ("/dbus/port/refuses-what-will-not-do", test_refuses_what_will_not_do);

  return g_test_run ();
}
