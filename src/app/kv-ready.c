/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "app/kv-ready.h"

#include "core/kv-error.h"
#include "dbus/kv-dbus-names.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void
close_for_good (int fd)
{
  int null_fd;

  if (fd > STDERR_FILENO)
    {
      close (fd);
      return;
    }
  null_fd = open ("/dev/null", O_RDWR | O_CLOEXEC);
  if (null_fd >= 0)
    {
      dup2 (null_fd, fd);
      close (null_fd);
    }
}

static gboolean
write_all (int fd, const char *text, gsize length)
{
  while (length > 0)
    {
      gssize n = write (fd, text, length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return FALSE;
      text += n;
      length -= (gsize) n;
    }
  return TRUE;
}

gboolean
kv_ready_tell (int fd, const char *const *addresses, gboolean on_bus, GError **error)
{
  g_autoptr (GString) text = g_string_new ("READY=1\n");
  gboolean written;

  for (gsize i = 0; addresses != NULL && addresses[i] != NULL; i++)
    g_string_append_printf (text, "%s\n", addresses[i]);
  if (on_bus)
    g_string_append (text, "bus " KV_DBUS_NAME "\n");

  written = write_all (fd, text->str, text->len);
  if (!written)
    g_set_error_literal (error, KV_ERROR, KV_ERROR_UNAVAILABLE, g_strerror (errno));
  close_for_good (fd);
  return written;
}
