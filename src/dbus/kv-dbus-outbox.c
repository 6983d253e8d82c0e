/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-outbox.h"

#include "dbus/kv-dbus-descriptors.h"

#include <errno.h>
#include <gio/gio.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct _KvDbusOutbox {
  gatomicrefcount references;
  int descriptor; /* (owned): an eventfd */

  GMutex lock;
  GCond was_closed;
  KvDbusCargo cargo;    /* guarded by lock */
  guint32 last_serial;  /* guarded by lock */
  gboolean is_sleeping; /* guarded by lock */
  gboolean is_closed;   /* guarded by lock */
};

KvDbusOutbox *
kv_dbus_outbox_new (GError **error)
{
  int descriptor = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  KvDbusOutbox *outbox;

  if (descriptor < 0)
    {
      int reason = errno;

      g_set_error_literal (error, G_IO_ERROR, (int) g_io_error_from_errno (reason),
                           g_strerror (reason));
      return NULL;
    }
  outbox = g_new0 (KvDbusOutbox, 1);
  g_atomic_ref_count_init (&outbox->references);
  outbox->descriptor = descriptor;
  g_mutex_init (&outbox->lock);
  g_cond_init (&outbox->was_closed);

  return outbox;
}

KvDbusOutbox *
kv_dbus_outbox_ref (KvDbusOutbox *outbox)
{
  g_atomic_ref_count_inc (&outbox->references);

  return outbox;
}

void
kv_dbus_outbox_unref (KvDbusOutbox *outbox)
{
  if (!g_atomic_ref_count_dec (&outbox->references))
    return;

  kv_dbus_cargo_clear (&outbox->cargo);
  close (outbox->descriptor);
  g_cond_clear (&outbox->was_closed);
  g_mutex_clear (&outbox->lock);
  g_free (outbox);
}

KvDbusBuffer *
kv_dbus_outbox_begin (KvDbusOutbox *outbox, guint32 *serial)
{
  g_mutex_lock (&outbox->lock);
  if (outbox->is_closed)
    {
      g_mutex_unlock (&outbox->lock);
      return NULL;
    }
  *serial = outbox->last_serial = (outbox->last_serial + 1) | KV_DBUS_FIRST_SERIAL;

  return &outbox->cargo.bytes;
}

void
kv_dbus_outbox_end (KvDbusOutbox *outbox)
{
  gboolean was_sleeping = outbox->is_sleeping;

  outbox->is_sleeping = FALSE;
  g_mutex_unlock (&outbox->lock);
  if (was_sleeping)
    kv_dbus_outbox_wake (outbox);
}

void
kv_dbus_outbox_put (KvDbusOutbox *outbox,
                    const void *data,
                    gsize length,
                    const int *descriptors,
                    guint n_descriptors)
{
  g_mutex_lock (&outbox->lock);
  if (outbox->is_closed)
    kv_dbus_descriptors_close (descriptors, n_descriptors);
  else
    kv_dbus_cargo_add (&outbox->cargo, data, length, descriptors, n_descriptors);
  kv_dbus_outbox_end (outbox);
}

gsize
kv_dbus_outbox_get_length (KvDbusOutbox *outbox)
{
  gsize length;

  g_mutex_lock (&outbox->lock);
  length = kv_dbus_cargo_get_length (&outbox->cargo);
  g_mutex_unlock (&outbox->lock);

  return length;
}

void
kv_dbus_outbox_wait_closed (KvDbusOutbox *outbox)
{
  g_mutex_lock (&outbox->lock);
  while (!outbox->is_closed)
    g_cond_wait (&outbox->was_closed, &outbox->lock);
  g_mutex_unlock (&outbox->lock);
}

/* --- for the thread that has the socket --- */

/* What each has counted as sent does not matter, as long as it is what the descriptors beside it were counted from. */
void
kv_dbus_outbox_take (KvDbusOutbox *outbox, KvDbusCargo *cargo)
{
  KvDbusCargo empty = *cargo;

  g_mutex_lock (&outbox->lock);
  *cargo = outbox->cargo;
  outbox->cargo = empty;
  g_mutex_unlock (&outbox->lock);
}

int
kv_dbus_outbox_get_descriptor (const KvDbusOutbox *outbox)
{
  return outbox->descriptor;
}

gboolean
kv_dbus_outbox_sleep (KvDbusOutbox *outbox)
{
  gboolean is_empty;

  g_mutex_lock (&outbox->lock);
  is_empty = kv_dbus_cargo_get_length (&outbox->cargo) == 0;
  outbox->is_sleeping = is_empty;
  g_mutex_unlock (&outbox->lock);

  return is_empty;
}

void
kv_dbus_outbox_awake (KvDbusOutbox *outbox, gboolean was_woken)
{
  eventfd_t ignored;

  if (was_woken)
    eventfd_read (outbox->descriptor, &ignored);
  g_mutex_lock (&outbox->lock);
  outbox->is_sleeping = FALSE;
  g_mutex_unlock (&outbox->lock);
}

void
kv_dbus_outbox_wake (KvDbusOutbox *outbox)
{
  eventfd_write (outbox->descriptor, 1);
}

void
kv_dbus_outbox_close (KvDbusOutbox *outbox)
{
  g_mutex_lock (&outbox->lock);
  outbox->is_closed = TRUE;
  kv_dbus_cargo_clear (&outbox->cargo);
  g_cond_broadcast (&outbox->was_closed);
  g_mutex_unlock (&outbox->lock);
}
