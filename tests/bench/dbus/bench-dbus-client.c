/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* A caller on the bus that costs little itself: messages are built once and written to the socket as they are, and of the
 * answers only their heads are looked at. With GDBus in between, the caller would be the slowest of the three, and the
 * service would mostly be measured going to sleep and waking up.
 *
 *   bench-dbus-client ADDRESS
 *
 * Reads lines `METHOD CALLS IN-FLIGHT` and answers each with the seconds that it took. Methods are those of the table below,
 * and the calls go to whoever
 * owns org.kvstore.KvStore1, but those of `ping`, which go to bench-dbus-plain. Ends when there is an error among the answers. */

#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "org.kvstore.KvStore1"
#define PATH "/org/kvstore/KvStore1"
#define PLAIN_NAME "org.kvstore.BenchPlain"

/* Keys of one Batch() or GetMany(). */
#define MANY 1000

#define VALUE "0123456789abcdef0123456789abcdef"

/* Of the head of a message (D-Bus specification, "Message Format"). */
#define FIXED_HEAD_BYTES 16
#define SERIAL_OFFSET 8
#define MAX_HEAD_BYTES 4096

typedef struct {
  GSocketConnection *stream;
  GInputStream *input;
  GOutputStream *output;
  guint32 serial;
} Client;

static void
die (const char *what, const GError *error)
{
  g_printerr ("bench-dbus-client: %s%s%s\n", what, error != NULL ? ": " : "",
              error != NULL ? error->message : "");
  exit (1);
}

/* --- messages --- */

static GBytes *
call_new (const char *destination,
          const char *path,
          const char *interface,
          const char *method,
          GVariant *body)
{
  g_autoptr (GDBusMessage) message =
    g_dbus_message_new_method_call (destination, path, interface, method);
  g_autoptr (GError) error = NULL;
  guchar *blob;
  gsize size;

  /* The bus looks at the number and finds it missing otherwise; send_call() writes another one over it. */
  g_dbus_message_set_serial (message, 1);
  if (body != NULL)
    g_dbus_message_set_body (message, body);
  blob = g_dbus_message_to_blob (message, &size, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
  if (blob == NULL)
    die ("cannot build a call", error);

  return g_bytes_new_take (blob, size);
}

static GBytes *
method_new (const char *method, const char *parameters)
{
  return call_new (NAME, PATH, NAME, method, g_variant_new_parsed (parameters));
}

static GVariant *
entries_new (const char *method, const char *value)
{
  GVariantBuilder entries;

  g_variant_builder_init (&entries, G_VARIANT_TYPE ("a(sssa{sv})"));
  for (guint i = 0; i < MANY; i++)
    {
      g_autofree char *key = g_strdup_printf ("key-%u", i);

      g_variant_builder_add (&entries, "(sss@a{sv})", method, key, value,
                             g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0));
    }

  return g_variant_new ("(a(sssa{sv}))", &entries);
}

static GVariant *
keys_new (void)
{
  GVariantBuilder keys;

  g_variant_builder_init (&keys, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; i < MANY; i++)
    g_variant_builder_add_value (&keys, g_variant_new_printf ("key-%u", i));

  return g_variant_new ("(as)", &keys);
}

/* The calls of a method, to be sent in turn. */
typedef struct {
  const char *method;
  GBytes *calls[2];
  guint n_calls;
} Plan;

static void
fill_plans (Plan plans[])
{
  plans[0] = (Plan){
    "ping",
    { call_new (PLAIN_NAME, "/", "org.freedesktop.DBus.Peer", "Ping", NULL) },
    1,
  };
  plans[1] = (Plan){ "get", { method_new ("Get", "('key-0',)") }, 1 };
  plans[2] = (Plan){ "put", { method_new ("Put", "('key-0', '" VALUE "', @a{sv} {})") }, 1 };
  /* Each undoes the other, so that all succeed as long as they are carried out in the order in which they were sent. */
  plans[3] = (Plan){
    "cas",
    { method_new ("CompareAndSwap", "('key-swap', 'a', 'b')"),
      method_new ("CompareAndSwap", "('key-swap', 'b', 'a')") },
    2,
  };
  plans[4] = (Plan){ "swap-init", { method_new ("Put", "('key-swap', 'a', @a{sv} {})") }, 1 };
  plans[5] =
    (Plan){ "batch-put", { call_new (NAME, PATH, NAME, "Batch", entries_new ("PUT", VALUE)) }, 1 };
  plans[6] =
    (Plan){ "batch-get", { call_new (NAME, PATH, NAME, "Batch", entries_new ("GET", "")) }, 1 };
  plans[7] = (Plan){ "get-many", { call_new (NAME, PATH, NAME, "GetMany", keys_new ()) }, 1 };
  plans[8] = (Plan){
    "ping-kvstored",
    { call_new (NAME, "/", "org.freedesktop.DBus.Peer", "Ping", NULL) },
    1,
  };
}

#define N_PLANS 9

/* --- the wire --- */

static void
write_all (Client *client, const void *data, gsize size)
{
  g_autoptr (GError) error = NULL;

  if (!g_output_stream_write_all (client->output, data, size, NULL, NULL, &error))
    die ("cannot write", error);
}

static void
read_all (Client *client, void *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  gsize done;

  if (!g_input_stream_read_all (client->input, data, size, &done, NULL, &error))
    die ("cannot read", error);
  if (done < size)
    die ("the bus has closed the connection", NULL);
}

static void
skip (Client *client, gsize size)
{
  static char buffer[64 * 1024];

  while (size > 0)
    {
      gsize part = MIN (size, sizeof buffer);

      read_all (client, buffer, part);
      size -= part;
    }
}

/* Reads one message; tells its type, of GDBusMessageType. */
static int
read_message (Client *client)
{
  guchar head[FIXED_HEAD_BYTES];
  guint32 body, fields;

  read_all (client, head, sizeof head);
  memcpy (&body, head + 4, 4);
  memcpy (&fields, head + 12, 4);
  /* The bus passes messages on in the order of bytes of who made them: all of this machine. */
  if (head[0] != (G_BYTE_ORDER == G_LITTLE_ENDIAN ? 'l' : 'B'))
    die ("that is no message of this machine", NULL);
  if (head[1] == G_DBUS_MESSAGE_TYPE_ERROR)
    {
      g_autofree char *text = g_malloc0 ((gsize) fields + body + 17);

      read_all (client, text, ((gsize) fields + 7) / 8 * 8 + body);
      g_printerr ("bench-dbus-client: an error was answered: %s\n",
                  text + ((gsize) fields + 7) / 8 * 8 + 4);
      exit (1);
    }
  skip (client, ((gsize) fields + 7) / 8 * 8 + body);

  return head[1];
}

static void
send_calls (Client *client, const Plan *plan, guint n_calls, GByteArray *buffer)
{
  g_byte_array_set_size (buffer, 0);
  for (guint i = 0; i < n_calls; i++)
    {
      gsize size;
      const guint8 *blob = g_bytes_get_data (plan->calls[client->serial % plan->n_calls], &size);
      guint start = buffer->len;

      client->serial++;
      g_byte_array_append (buffer, blob, (guint) size);
      memcpy (buffer->data + start + SERIAL_OFFSET, &client->serial, 4);
    }
  write_all (client, buffer->data, buffer->len);
}

/* Answers are read one by one but new calls go out together, for what has come in meanwhile: as a program does that has
 * something to do for each answer. */
static double
run (Client *client, const Plan *plan, guint calls, guint in_flight)
{
  g_autoptr (GByteArray) buffer = g_byte_array_new ();
  GBufferedInputStream *input = G_BUFFERED_INPUT_STREAM (client->input);
  gint64 start = g_get_monotonic_time ();
  guint sent = MIN (in_flight, calls), answered = 0, owed = 0;

  /* A pair of calls begins with its first. */
  client->serial += client->serial % plan->n_calls;
  send_calls (client, plan, sent, buffer);
  while (answered < calls)
    {
      if (read_message (client) != G_DBUS_MESSAGE_TYPE_METHOD_RETURN)
        continue;
      answered++;
      if (sent + owed < calls)
        owed++;
      if (owed > 0 && g_buffered_input_stream_get_available (input) < FIXED_HEAD_BYTES)
        {
          send_calls (client, plan, owed, buffer);
          sent += owed;
          owed = 0;
        }
    }

  return (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC;
}

/* As the D-Bus specification has it in "Authentication Protocol": by the user that the kernel knows. */
static void
authenticate (Client *client)
{
  g_autofree char *uid = g_strdup_printf ("%u", getuid ());
  g_autoptr (GString) line = g_string_new ("AUTH EXTERNAL ");
  const Plan hello = {
    "hello",
    { call_new ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello",
                NULL) },
    1,
  };
  char c = '\0';

  for (const char *p = uid; *p != '\0'; p++)
    g_string_append_printf (line, "%02x", *p);
  g_string_append (line, "\r\n");
  write_all (client, "", 1);
  write_all (client, line->str, line->len);
  while (c != '\n')
    read_all (client, &c, 1);
  write_all (client, "BEGIN\r\n", strlen ("BEGIN\r\n"));
  run (client, &hello, 1, 1);
  g_bytes_unref (hello.calls[0]);
}

static void
connect_to (Client *client, const char *address)
{
  g_autoptr (GError) error = NULL;
  GIOStream *stream = g_dbus_address_get_stream_sync (address, NULL, NULL, &error);

  if (stream == NULL)
    die ("cannot connect", error);
  client->stream = G_SOCKET_CONNECTION (stream);
  client->input =
    g_buffered_input_stream_new_sized (g_io_stream_get_input_stream (stream), 256 * 1024);
  client->output = g_io_stream_get_output_stream (stream);
  authenticate (client);
}

int
main (int argc, char **argv)
{
  Client client = { 0 };
  Plan plans[N_PLANS];
  char method[32];
  guint calls, in_flight;

  if (argc != 2)
    die ("usage: bench-dbus-client ADDRESS", NULL);
  connect_to (&client, argv[1]);
  fill_plans (plans);

  while (scanf ("%31s %u %u", method, &calls, &in_flight) == 3)
    {
      const Plan *plan = NULL;

      for (guint i = 0; i < N_PLANS; i++)
        if (g_str_equal (plans[i].method, method))
          plan = &plans[i];
      if (plan == NULL || in_flight == 0)
        die ("there is no such method", NULL);
      printf ("%.6f\n", run (&client, plan, calls, in_flight));
      fflush (stdout);
    }

  for (guint i = 0; i < N_PLANS; i++)
    for (guint j = 0; j < plans[i].n_calls; j++)
      g_bytes_unref (plans[i].calls[j]);
  g_object_unref (client.input);
  g_object_unref (client.stream);

  return 0;
}
