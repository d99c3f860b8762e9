// Loaded into the demo's services: they end when the process that started them is gone, however it went.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
