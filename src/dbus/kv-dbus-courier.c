/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-courier.h"

#include "core/kv-error.h"

#include <signal.h>

struct _KvDbusCourier {
  gint references; /* atomic: the owner's, the thread's, and one for a report on its way */
  GMainContext *main_context; /* (owned) */
  GCancellable *cancellable;  /* (owned) */

  GMutex lock; /* guards what follows up to the next empty line */
  GCond changed;
  gboolean has_work;
  gboolean is_let_go;
  KvDbusCourierWork work; /* (nullable): closing, if there is work and this is not set */
  GError *error;          /* (owned) (nullable): of the work that is done, for the report */

  /* Of the thread. */
  KvDbusHandle *handle; /* (owned) (nullable): until closed */
  KvDbusPort *port;     /* (owned) (nullable): from the first work on, until closed */
  KvDbusPortDirection direction;
  gint64 patience;
  gpointer data; /* (owned): the owner may look at it while there is no work */
  GDestroyNotify free_data;

  /* Of the main context. */
  KvDbusCourierFunc func; /* (nullable): when nobody is to be told */
  gpointer user_data;
};

static KvDbusCourier *
courier_ref (KvDbusCourier *self)
{
  g_atomic_int_inc (&self->references);

  return self;
}

static void
courier_unref (gpointer data)
{
  KvDbusCourier *self = data;

  if (!g_atomic_int_dec_and_test (&self->references))
    return;

  g_main_context_unref (self->main_context);
  g_object_unref (self->cancellable);
  g_clear_error (&self->error);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

/* --- the thread --- */

static gboolean
close_handle (KvDbusCourier *self, GError **error)
{
  int reason;

  g_clear_pointer (&self->port, kv_dbus_port_free);
  if (self->handle == NULL)
    return TRUE;
  reason = kv_dbus_handle_close (g_steal_pointer (&self->handle));
  if (reason == 0 || self->direction == KV_DBUS_PORT_READ)
    return TRUE;
  g_set_error (error, KV_ERROR, KV_ERROR_FAILED, "The dump has been written, but not kept: %s",
               g_strerror (reason));

  return FALSE;
}

static gboolean
ensure_port (KvDbusCourier *self, GError **error)
{
  if (self->port == NULL)
    self->port = kv_dbus_port_open (kv_dbus_handle_get_descriptor (self->handle), self->direction,
                                    self->patience, self->cancellable, error);

  return self->port != NULL;
}

static void
carry_out (KvDbusCourier *self, KvDbusCourierWork work)
{
  GError *error = NULL;

  if (work == NULL)
    close_handle (self, &error);
  else if (ensure_port (self, &error))
    work (self->port, self->data, &error);

  g_mutex_lock (&self->lock);
  self->error = error;
  g_mutex_unlock (&self->lock);
}

/* The owner may send it on from here, or let it go. */
static gboolean
on_reported (gpointer user_data)
{
  KvDbusCourier *self = user_data;
  KvDbusCourierFunc func = g_steal_pointer (&self->func);
  g_autoptr (GError) error = NULL;

  g_mutex_lock (&self->lock);
  error = g_steal_pointer (&self->error);
  g_mutex_unlock (&self->lock);
  if (func != NULL)
    func (self->user_data, error);

  return G_SOURCE_REMOVE;
}

static void
report (KvDbusCourier *self)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "kv-dbus-courier");
  g_source_set_callback (source, on_reported, courier_ref (self), courier_unref);
  g_source_attach (source, self->main_context);
}

/* FALSE when there will be none any more. */
static gboolean
wait_for_work (KvDbusCourier *self, KvDbusCourierWork *work)
{
  gboolean has_work;

  g_mutex_lock (&self->lock);
  while (!self->has_work && !self->is_let_go)
    g_cond_wait (&self->changed, &self->lock);
  has_work = !self->is_let_go;
  *work = self->work;
  self->has_work = FALSE;
  g_mutex_unlock (&self->lock);

  return has_work;
}

/* What a descriptor may bring upon who uses it is an error here: a pipe without a reader, a file that is too large, and a terminal
 * that is the service's own, which would stop it. */
static void
block_signals (void)
{
  sigset_t signals;

  sigemptyset (&signals);
  sigaddset (&signals, SIGPIPE);
  sigaddset (&signals, SIGXFSZ);
  sigaddset (&signals, SIGTTIN);
  sigaddset (&signals, SIGTTOU);
  pthread_sigmask (SIG_BLOCK, &signals, NULL);
}

static gpointer
run (gpointer data)
{
  KvDbusCourier *self = data;
  KvDbusCourierWork work;

  block_signals ();
  while (wait_for_work (self, &work))
    {
      carry_out (self, work);
      report (self);
    }
  close_handle (self, NULL);
  self->free_data (self->data);
  courier_unref (self);

  return NULL;
}

/* --- the main context --- */

KvDbusCourier *
kv_dbus_courier_new (KvDbusHandle *handle,
                     KvDbusPortDirection direction,
                     gint64 patience,
                     gpointer data,
                     GDestroyNotify free_data,
                     GError **error)
{
  KvDbusCourier *self = g_new0 (KvDbusCourier, 1);
  GThread *thread;

  self->references = 1;
  self->main_context = g_main_context_ref_thread_default ();
  self->cancellable = g_cancellable_new ();
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->handle = handle;
  self->direction = direction;
  self->patience = patience;
  self->data = data;
  self->free_data = free_data;
  thread = g_thread_try_new ("dbus-courier", run, courier_ref (self), NULL);
  if (thread != NULL)
    {
      g_thread_unref (thread);
      return self;
    }

  g_set_error_literal (error, KV_ERROR, KV_ERROR_UNAVAILABLE, "There are no threads left");
  close_handle (self, NULL);
  free_data (data);
  courier_unref (self);
  courier_unref (self);

  return NULL;
}

void
kv_dbus_courier_send (KvDbusCourier *self,
                      KvDbusCourierWork work,
                      KvDbusCourierFunc func,
                      gpointer user_data)
{
  g_return_if_fail (self->func == NULL);

  self->func = func;
  self->user_data = user_data;
  g_mutex_lock (&self->lock);
  self->work = work;
  self->has_work = TRUE;
  g_cond_signal (&self->changed);
  g_mutex_unlock (&self->lock);
}

void
kv_dbus_courier_close (KvDbusCourier *self, KvDbusCourierFunc func, gpointer user_data)
{
  kv_dbus_courier_send (self, NULL, func, user_data);
}

void
kv_dbus_courier_free (KvDbusCourier *self)
{
  self->func = NULL;
  g_mutex_lock (&self->lock);
  self->is_let_go = TRUE;
  g_cond_signal (&self->changed);
  g_mutex_unlock (&self->lock);
  g_cancellable_cancel (self->cancellable);
  courier_unref (self);
}
