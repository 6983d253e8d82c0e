/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-relay.h"

#include "dbus/kv-dbus-intake.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* One thread does everything: it reads what has come from both sides, hands the messages on, sends what there is, and sleeps until
 * something more can be done. It never waits anywhere else.
 *
 * While more than KV_DBUS_MAX_WAITING_BYTES wait to go out on either side, no message is taken from anywhere: who does not read
 * what is answered is not asked for more. That can hold up neither side for good: GDBus reads whatever its writing does, and so does a
 * bus.
 *
 * Locks: running is held while the function runs, so that kv_dbus_relay_set_func() can wait for that. The lock of the outbox is
 * taken within it. */

/* For how long what is left may be sent when one side has ended, in microseconds. */
#define ENDING_TIME (2 * G_USEC_PER_SEC)

#define BEGIN_LINE "BEGIN\r\n"

typedef enum {
  GOING,
  BUS_ENDED,
  LOCAL_ENDED,
} State;

struct _KvDbusRelay {
  GThread *thread;      /* (owned) */
  KvDbusOutbox *outbox; /* (owned) */
  gint stopping;        /* atomic: gboolean */

  GMutex running;
  KvDbusRelayFunc func; /* guarded by running; (nullable) */
  gpointer user_data;   /* guarded by running */

  /* Of the thread alone. */
  int bus;   /* (owned) */
  int local; /* (owned) */
  KvDbusIntake from_bus;
  KvDbusIntake from_local;
  KvDbusCargo to_bus; /* taken from the outbox */
  KvDbusCargo to_local;
  gboolean is_authenticated;
  guint n_matched;  /* bytes of BEGIN_LINE, in a line of GDBus's that begins with them */
  gboolean in_line; /* inside a line of GDBus's that is another */
  State state;
  gboolean local_is_read; /* to its end */
  gboolean is_held_up;    /* there may be a whole message that nobody had room for */
  gint64 deadline;        /* of what is left to be sent, once one side has ended */
};

/* --- messages --- */

static gboolean
has_room (KvDbusRelay *self)
{
  return kv_dbus_cargo_get_length (&self->to_bus) + kv_dbus_outbox_get_length (self->outbox)
           <= KV_DBUS_MAX_WAITING_BYTES
         && kv_dbus_cargo_get_length (&self->to_local) <= KV_DBUS_MAX_WAITING_BYTES;
}

static gboolean
is_ours (KvDbusRelay *self, KvDbusMessage *message)
{
  gboolean ours;

  g_mutex_lock (&self->running);
  ours = self->func != NULL && self->func (message, self->user_data);
  g_mutex_unlock (&self->running);

  return ours;
}

/* An error for something of ours that nobody was there to take: nobody waits for it. */
static gboolean
answers_us (const KvDbusHead *head)
{
  return (head->type == KV_DBUS_TYPE_ERROR || head->type == KV_DBUS_TYPE_METHOD_RETURN)
         && head->reply_serial >= KV_DBUS_FIRST_SERIAL;
}

static void
take_from_bus (KvDbusRelay *self, KvDbusMessage *message)
{
  g_autofree int *descriptors = NULL;
  guint n_descriptors;

  if (answers_us (&message->head) || is_ours (self, message))
    return;
  descriptors = kv_dbus_message_steal (message, &n_descriptors);
  kv_dbus_cargo_add (&self->to_local, message->bytes, message->length, descriptors, n_descriptors);
}

static void
take_from_local (KvDbusRelay *self, KvDbusMessage *message)
{
  guint n_descriptors;
  g_autofree int *descriptors = kv_dbus_message_steal (message, &n_descriptors);

  kv_dbus_outbox_put (self->outbox, message->bytes, message->length, descriptors, n_descriptors);
}

/* Takes all whole messages out that there is room for. FALSE when one is malformed. */
static gboolean
take_messages (KvDbusRelay *self,
               KvDbusIntake *intake,
               void (*take) (KvDbusRelay *, KvDbusMessage *))
{
  KvDbusMessage message;
  KvDbusIntakeNext next;

  while ((next = kv_dbus_intake_peek (intake, &message)) == KV_DBUS_INTAKE_WHOLE)
    {
      if (!has_room (self))
        {
          self->is_held_up = TRUE;
          return TRUE;
        }
      take (self, &message);
      kv_dbus_intake_drop (intake, &message);
    }

  return next == KV_DBUS_INTAKE_PART;
}

/* --- authentication --- */

/* How many of @length bytes of GDBus's belong to authentication: all of them, or up to the end of BEGIN. The line is looked for as a
 * whole one, so that nobody's cookie can look like it. */
static gsize
scan_authentication (KvDbusRelay *self, const guint8 *bytes, gsize length)
{
  for (gsize i = 0; i < length; i++)
    {
      if (!self->in_line && bytes[i] == (guint8) BEGIN_LINE[self->n_matched])
        self->n_matched++;
      else
        self->in_line = TRUE;
      if (self->n_matched == strlen (BEGIN_LINE))
        {
          self->is_authenticated = TRUE;
          return i + 1;
        }
      if (bytes[i] == '\n')
        {
          self->in_line = FALSE;
          self->n_matched = 0;
        }
    }

  return length;
}

/* The bus answers line by line, and sends no message before it has been sent one. */
static void
pass_authentication (KvDbusRelay *self)
{
  KvDbusBuffer *bytes = &self->from_bus.bytes;
  gsize length = kv_dbus_buffer_get_length (bytes);

  kv_dbus_cargo_add (&self->to_local, bytes->data + bytes->start, length, NULL, 0);
  kv_dbus_buffer_consume (bytes, length);

  bytes = &self->from_local.bytes;
  length =
    scan_authentication (self, bytes->data + bytes->start, kv_dbus_buffer_get_length (bytes));
  kv_dbus_outbox_put (self->outbox, bytes->data + bytes->start, length, NULL, 0);
  kv_dbus_buffer_consume (bytes, length);
}

/* --- ends --- */

static void
begin_to_end (KvDbusRelay *self, State state)
{
  if (self->state != GOING)
    return;
  self->state = state;
  self->deadline = g_get_monotonic_time () + ENDING_TIME;
}

static void
lose_bus (KvDbusRelay *self)
{
  kv_dbus_outbox_close (self->outbox);
  kv_dbus_cargo_clear (&self->to_bus);
  begin_to_end (self, BUS_ENDED);
}

static gboolean
is_over (KvDbusRelay *self)
{
  switch (self->state)
    {
    case GOING:
      return FALSE;
    case BUS_ENDED:
      if (!self->is_held_up && kv_dbus_cargo_get_length (&self->to_local) == 0)
        return TRUE;
      break;
    case LOCAL_ENDED:
      if (self->local_is_read && !self->is_held_up && kv_dbus_cargo_get_length (&self->to_bus) == 0
          && kv_dbus_outbox_get_length (self->outbox) == 0)
        return TRUE;
      break;
    default:
      g_assert_not_reached ();
    }

  return g_get_monotonic_time () >= self->deadline;
}

/* --- the thread --- */

/* FALSE when something is malformed. */
static gboolean
take_all (KvDbusRelay *self)
{
  self->is_held_up = FALSE;
  if (!self->is_authenticated)
    pass_authentication (self);
  if (!self->is_authenticated)
    return TRUE;

  return take_messages (self, &self->from_bus, take_from_bus)
         && take_messages (self, &self->from_local, take_from_local);
}

/* FALSE when GDBus's end is there and does not take what is for it. Nothing may be left out of what it gets: then the
 * connection ends, and is made anew. */
static gboolean
send_to_local (KvDbusRelay *self)
{
  if (kv_dbus_cargo_get_length (&self->to_local) == 0
      || kv_dbus_cargo_send (&self->to_local, self->local))
    return TRUE;
  if (errno != EPIPE && errno != ECONNRESET)
    return FALSE;
  kv_dbus_cargo_clear (&self->to_local);

  return TRUE;
}

static void
send_to_bus (KvDbusRelay *self)
{
  do
    {
      if (kv_dbus_cargo_get_length (&self->to_bus) == 0)
        kv_dbus_outbox_take (self->outbox, &self->to_bus);
      if (!kv_dbus_cargo_send (&self->to_bus, self->bus))
        lose_bus (self);
    }
  while (kv_dbus_cargo_get_length (&self->to_bus) == 0
         && kv_dbus_outbox_get_length (self->outbox) > 0);
}

static void
receive_from_bus (KvDbusRelay *self)
{
  if (kv_dbus_intake_receive (&self->from_bus, self->bus) == KV_DBUS_INTAKE_END)
    lose_bus (self);
}

static void
receive_from_local (KvDbusRelay *self)
{
  if (kv_dbus_intake_receive (&self->from_local, self->local) != KV_DBUS_INTAKE_END)
    return;
  self->local_is_read = TRUE;
  begin_to_end (self, LOCAL_ENDED);
}

static void
set_interest (struct pollfd *waiting, int descriptor, gboolean to_read, gboolean to_write)
{
  waiting->fd = descriptor;
  waiting->events = (short) ((to_read ? POLLIN : 0) | (to_write ? POLLOUT : 0));
}

/* A socket that nothing is wanted from is left out: one that is broken is always ready. But while there is no room, GDBus's
 * end is asked for nothing, and tells when it is closed. (That a bus has closed its half only is noticed when there is room.) */
static void
collect_interest (KvDbusRelay *self, struct pollfd waiting[])
{
  gboolean room = has_room (self);
  gboolean writes_bus = kv_dbus_cargo_get_length (&self->to_bus) > 0;
  gboolean writes_local = kv_dbus_cargo_get_length (&self->to_local) > 0;
  gboolean reads_local = room && self->state != BUS_ENDED && !self->local_is_read;
  gboolean hears_local = reads_local || writes_local || self->state == GOING;

  set_interest (&waiting[0], kv_dbus_outbox_get_descriptor (self->outbox), TRUE, FALSE);
  set_interest (&waiting[1], self->bus, room && self->state == GOING, writes_bus);
  set_interest (&waiting[2], hears_local ? self->local : -1, reads_local, writes_local);
  if (waiting[1].events == 0)
    waiting[1].fd = -1;
}

/* In milliseconds. Nobody need wake the thread for what cannot be sent before the rest is; and when something was put in the outbox a
 * moment ago, it only looks what else there is. */
static int
choose_timeout (KvDbusRelay *self)
{
  if (kv_dbus_cargo_get_length (&self->to_bus) == 0 && !kv_dbus_outbox_sleep (self->outbox))
    return 0;
  if (self->state == GOING)
    return -1;

  return (int) (MAX (self->deadline - g_get_monotonic_time (), 0) / 1000 + 1);
}

static void
wait_and_receive (KvDbusRelay *self)
{
  struct pollfd waiting[3];

  collect_interest (self, waiting);
  if (poll (waiting, G_N_ELEMENTS (waiting), choose_timeout (self)) <= 0)
    memset (waiting, 0, sizeof waiting);
  kv_dbus_outbox_awake (self->outbox, waiting[0].revents != 0);

  if ((waiting[1].revents & ~POLLOUT) != 0)
    receive_from_bus (self);
  if ((waiting[2].revents & POLLIN) != 0)
    receive_from_local (self);
  else if ((waiting[2].revents & (POLLHUP | POLLERR)) != 0)
    begin_to_end (self, LOCAL_ENDED);
}

static gpointer
run (gpointer data)
{
  KvDbusRelay *self = data;

  while (!g_atomic_int_get (&self->stopping))
    {
      if (!take_all (self) || !send_to_local (self))
        break;
      send_to_bus (self);
      if (is_over (self))
        break;
      if (!self->is_held_up || !has_room (self))
        wait_and_receive (self);
    }

  kv_dbus_outbox_close (self->outbox);
  close (self->bus);
  close (self->local);

  return NULL;
}

/* --- life --- */

/* @relay: (transfer full): one without a thread */
static void
relay_free (KvDbusRelay *self)
{
  kv_dbus_intake_clear (&self->from_bus);
  kv_dbus_intake_clear (&self->from_local);
  kv_dbus_cargo_clear (&self->to_bus);
  kv_dbus_cargo_clear (&self->to_local);
  g_clear_pointer (&self->outbox, kv_dbus_outbox_unref);
  g_mutex_clear (&self->running);
  g_free (self);
}

KvDbusRelay *
kv_dbus_relay_new (int bus, int local, GError **error)
{
  KvDbusRelay *self = g_new0 (KvDbusRelay, 1);

  self->bus = bus;
  self->local = local;
  g_mutex_init (&self->running);
  self->outbox = kv_dbus_outbox_new (error);
  if (self->outbox != NULL)
    self->thread = g_thread_try_new ("dbus", run, self, error);
  if (self->thread != NULL)
    return self;

  close (bus);
  close (local);
  g_clear_pointer (&self->outbox, kv_dbus_outbox_unref);
  relay_free (self);

  return NULL;
}

KvDbusOutbox *
kv_dbus_relay_get_outbox (KvDbusRelay *self)
{
  return self->outbox;
}

void
kv_dbus_relay_set_func (KvDbusRelay *self, KvDbusRelayFunc func, gpointer user_data)
{
  g_mutex_lock (&self->running);
  self->func = func;
  self->user_data = user_data;
  g_mutex_unlock (&self->running);
}

void
kv_dbus_relay_free (KvDbusRelay *self)
{
  g_atomic_int_set (&self->stopping, TRUE);
  kv_dbus_outbox_wake (self->outbox);
  g_thread_join (self->thread);
  relay_free (self);
}
