/*
 * faults.so: a library to be preloaded, which makes file calls fail as a sick disk does. SQLite calls libc for them; Go
 * does not, so it touches nothing else.
 *
 * FAULTS_DIR      only files below this folder are touched
 * FAULTS_CONTROL  a file that is read at each call. A line "OP SUFFIX ERRNO" makes OP (open, write, short, sync) fail on
 *                 files whose name ends with SUFFIX: "short" writes half and fails the next time. A line "drop" makes
 *                 a failed sync forget what was written since the last good one, as kernels do. A line "powercut"
 *                 does so for every file at the next write or sync, and ends the process.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FDS 4096

struct undo {
	struct undo *next; /* the write before */
	char *path;
	off_t at, size; /* where it went, and how long the file was */
	size_t n, had;
	char *old;
};

static char *names[FDS];
static int halved[FDS];
static struct undo *undone;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* rules reads the control file into b. */
static void rules(char *b, size_t size) {
	const char *path = getenv("FAULTS_CONTROL");
	int fd = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = fd >= 0 ? syscall(SYS_read, fd, b, size - 1) : 0;
	b[n > 0 ? n : 0] = 0;
	if (fd >= 0) syscall(SYS_close, fd);
}

static int has(const char *word) {
	char b[1024];
	rules(b, sizeof b);
	return strstr(b, word) != NULL;
}

static int number(const char *name) {
	static const struct { const char *name; int no; } all[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EROFS", EROFS}, {"EACCES", EACCES}, {"EDQUOT", EDQUOT}};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (!strcmp(all[i].name, name)) return all[i].no;
	return EIO;
}

/* fault is the error that a rule has for an operation on a file; 0 if there is none. */
static int fault(const char *op, const char *path) {
	char b[1024], *rest = b, *line;
	if (!path) return 0;
	rules(b, sizeof b);
	while ((line = strsep(&rest, "\n"))) {
		char o[16], suffix[128], err[16];
		size_t n, len = strlen(path);
		if (sscanf(line, "%15s %127s %15s", o, suffix, err) != 3 || strcmp(o, op)) continue;
		n = strlen(suffix);
		if (n <= len && !strcmp(path + len - n, suffix)) return number(err);
	}
	return 0;
}

static const char *name(int fd) { return fd >= 0 && fd < FDS ? names[fd] : NULL; }

static void note(int fd, const char *path) {
	const char *dir = getenv("FAULTS_DIR");
	if (fd < 0 || fd >= FDS) return;
	pthread_mutex_lock(&mutex);
	names[fd] = dir && !strncmp(path, dir, strlen(dir)) ? strdup(path) : NULL; /* few, and it ends soon */
	halved[fd] = 0;
	pthread_mutex_unlock(&mutex);
}

static int opens(const char *symbol, const char *path, int flags, mode_t mode) {
	int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, symbol);
	const char *dir = getenv("FAULTS_DIR");
	int err = dir && !strncmp(path, dir, strlen(dir)) ? fault("open", path) : 0, fd;
	if (err) { errno = err; return -1; }
	fd = real(path, flags, mode);
	note(fd, path);
	return fd;
}

#define MODE(flags) va_list a; mode_t mode = 0; if (flags & (O_CREAT | O_TMPFILE)) { va_start(a, flags); mode = va_arg(a, mode_t); va_end(a); }

int open(const char *path, int flags, ...) { MODE(flags) return opens("open", path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return opens("open64", path, flags, mode); }

int close(int fd) {
	int (*real)(int) = dlsym(RTLD_NEXT, "close");
	if (name(fd)) note(fd, "");
	return real(fd);
}

/* remember keeps what a write is about to replace. */
static void remember(int fd, size_t n, off_t at) {
	struct stat st;
	struct undo *u = calloc(1, sizeof *u);
	ssize_t had;
	if (!u || fstat(fd, &st)) return;
	u->path = names[fd], u->at = at, u->n = n, u->size = st.st_size, u->old = malloc(n);
	had = syscall(SYS_pread64, fd, u->old, n, at);
	u->had = had > 0 ? had : 0;
	pthread_mutex_lock(&mutex);
	u->next = undone, undone = u;
	pthread_mutex_unlock(&mutex);
}

/*
 * forget drops what is remembered of a file, or of all; with undo, what was written is taken back, the newest first:
 * through fd, or, where the process is about to end, through one of its own. Its close would give locks up.
 */
static void forget(const char *path, int undo, int fd) {
	struct undo **p = &undone, *u;
	const char *last = path;
	pthread_mutex_lock(&mutex);
	while ((u = *p)) {
		if (path && strcmp(path, u->path)) { p = &u->next; continue; }
		if (undo) {
			if (!path && (!last || strcmp(last, u->path))) {
				if (last) syscall(SYS_close, fd);
				fd = syscall(SYS_openat, AT_FDCWD, last = u->path, O_RDWR | O_CLOEXEC);
			}
			syscall(SYS_pwrite64, fd, u->old, u->had, u->at);
			syscall(SYS_ftruncate, fd, u->size);
		}
		*p = u->next;
		free(u->old), free(u);
	}
	pthread_mutex_unlock(&mutex);
}

static void powercut(int fd) {
	if (!name(fd) || !has("powercut")) return;
	forget(NULL, 1, -1);
	kill(getpid(), SIGKILL);
	for (;;) pause();
}

static ssize_t writes(int fd, const void *b, size_t n, off_t at, int here) {
	ssize_t done;
	int err = fault("write", name(fd));
	powercut(fd);
	if (!err && (err = fault("short", name(fd))) && n > 1 && !halved[fd]) halved[fd] = 1, err = 0, n /= 2;
	if (err) { errno = err; return -1; }
	if (here) return syscall(SYS_write, fd, b, n);
	if (name(fd)) remember(fd, n, at);
	done = syscall(SYS_pwrite64, fd, b, n, at);
	return done;
}

ssize_t write(int fd, const void *b, size_t n) { return writes(fd, b, n, 0, 1); }
ssize_t pwrite(int fd, const void *b, size_t n, off_t at) { return writes(fd, b, n, at, 0); }
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t at) { return writes(fd, b, n, at, 0); }

static int syncs(int fd, long call) {
	int err = fault("sync", name(fd)), done;
	powercut(fd);
	if (err) {
		if (has("drop")) forget(name(fd), 1, fd);
		errno = err;
		return -1;
	}
	done = syscall(call, fd);
	if (!done && name(fd)) forget(name(fd), 0, fd);
	return done;
}

int fsync(int fd) { return syncs(fd, SYS_fsync); }
int fdatasync(int fd) { return syncs(fd, SYS_fdatasync); }
