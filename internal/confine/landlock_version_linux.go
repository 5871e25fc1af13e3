package confine

// landlockVersion is the version of Landlock's rules that is demanded: 3 was the
// first to know every way to change a file, 4 knows TCP as well. What later
// versions add (ioctl, signals, abstract sockets) seccomp refuses.
// https://docs.kernel.org/userspace-api/landlock.html
const landlockVersion = 4
