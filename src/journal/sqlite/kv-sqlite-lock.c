/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "journal/sqlite/kv-sqlite-lock.h"

#include "core/kv-error.h"
#include "kv-config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* A line is "1: POSIX  ADVISORY  WRITE 1234 fe:00:131 1073741824 1073742335"; the device is in hexadecimal. */
static int
find_in_line (const char *line, const char *file)
{
  g_auto (GStrv) words = g_strsplit_set (line, " ", -1);
  const char *fields[6] = { NULL };
  guint n = 0;
  guint64 pid;

  for (guint i = 0; words[i] != NULL && n < G_N_ELEMENTS (fields); i++)
    if (*words[i] != '\0')
      fields[n++] = words[i];
  if (n < G_N_ELEMENTS (fields) || !g_str_equal (fields[1], "POSIX")
      || !g_str_equal (fields[5], file)
      || !g_ascii_string_to_unsigned (fields[4], 10, 1, G_MAXINT, &pid, NULL))
    return 0;
  return (int) pid != (int) getpid () ? (int) pid : 0;
}

/* By the kernel's list, and not with F_GETLK: to close a descriptor takes away all locks that this process has on the file. */
int
kv_sqlite_lock_find_holder (const char *path)
{
  g_autofree char *locks = NULL, *file = NULL;
  g_auto (GStrv) lines = NULL;
  struct stat status;
  int pid = 0;

  if (stat (path, &status) != 0 || !g_file_get_contents ("/proc/locks", &locks, NULL, NULL))
    return 0;
  file = g_strdup_printf ("%02x:%02x:%" G_GUINT64_FORMAT, major (status.st_dev),
                          minor (status.st_dev), (guint64) status.st_ino);
  lines = g_strsplit (locks, "\n", -1);
  for (guint i = 0; lines[i] != NULL && pid == 0; i++)
    pid = find_in_line (lines[i], file);
  return pid;
}

/* There may have been no room to write the id down. */
static void
tell_holder (int fd, const char *path, GError **error)
{
  char text[24] = { 0 };
  guint64 pid;

  if (pread (fd, text, sizeof text - 1, 0) <= 0
      || !g_ascii_string_to_unsigned (g_strchomp (text), 10, 1, G_MAXINT, &pid, NULL))
    pid = (guint64) kv_sqlite_lock_find_holder (path);
  if (pid != 0)
    g_set_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE, _ ("process %d serves this file already"),
                 (int) pid);
  else
    g_set_error_literal (error, KV_ERROR, KV_ERROR_UNAVAILABLE,
                         _ ("another process serves this file already"));
}

/* That the id cannot be written is no reason not to serve: on a full disk there is still reading. */
static void
write_pid (int fd)
{
  g_autofree char *text = g_strdup_printf ("%d\n", (int) getpid ());

  if (ftruncate (fd, 0) != 0 || pwrite (fd, text, strlen (text), 0) < 0)
    g_debug ("Cannot write the process id beside the database: %s", g_strerror (errno));
}

int
kv_sqlite_lock_take (const char *path, GError **error)
{
  g_autofree char *lock_path = g_strconcat (path, ".lock", NULL);
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  int fd = open (lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

  if (fd < 0)
    {
      g_set_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE, _ ("cannot create %s: %s"), lock_path,
                   g_strerror (errno));
      return -1;
    }
  if (fcntl (fd, F_OFD_SETLK, &lock) == 0)
    {
      write_pid (fd);
      return fd;
    }

  if (errno == EAGAIN || errno == EACCES)
    tell_holder (fd, path, error);
  else
    g_set_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE, _ ("cannot lock %s: %s"), lock_path,
                 g_strerror (errno));
  close (fd);
  return -1;
}
