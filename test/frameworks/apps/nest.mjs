import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

// What decorators do, without a compiler.
class ItemsController {
  list() {
    return [];
  }
}
Controller('items')(ItemsController);
Get()(ItemsController.prototype, 'list', Object.getOwnPropertyDescriptor(ItemsController.prototype, 'list'));

class ApplicationModule {
  onApplicationShutdown(signal) {
    console.log(`closed at ${signal}`);
  }
}
Module({ controllers: [ItemsController] })(ApplicationModule);

const app = await NestFactory.create(ApplicationModule, {
  logger: ['error', 'warn'],
  cors: { origin: ['https://shop.example'], credentials: true },
});
app.enableShutdownHooks();
await app.listen(process.env.PORT, '127.0.0.1');
console.log('ready');
