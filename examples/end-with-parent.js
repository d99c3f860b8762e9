// Preloaded into the demo's services: they exit when the process that started them is gone for any reason.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
